import assert from "node:assert/strict";
import { test } from "node:test";
import {
  firesAt,
  jobTime,
  LEAST_MINUTES,
  leaseMinutes,
  MOST_HOURS,
  nextRun,
} from "../../../../components/vast/lease/moment.ts";
import { nextRun as runOfVast } from "../../../../simulator/world/job.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const READINGS = ["waits", "nextHour"] as const;

/** When Vast would run a job of ours first. */
function firstRun(now: number, minutes: number, reading: (typeof READINGS)[number]): number | undefined {
  const {
    day_of_the_week: day,
    hour_of_the_day: hour,
    start_time,
    end_time,
    frequency,
  } = jobTime(firesAt(now, minutes));
  const call = { id: 1, instanceId: 7, endpoint: "/api/v0/instances/7/", method: "DELETE", body: {}, minute: 0 };
  return runOfVast({ ...call, frequency, day, hour, startTime: start_time, endTime: end_time }, now, reading);
}

test("no job runs before its time, at any minute of a week, whatever a start means", () => {
  const monday = Date.UTC(2026, 9, 19);
  const lengths = [1, 60, 61, 90, 150, 49 * 60, 100 * 60, MOST_HOURS * 60, 9 * 24 * 60];
  for (let minute = 0; minute < 7 * 24 * 60; minute += 1) {
    const now = monday + minute * MINUTE + (minute % 60) * 997;
    const minutes = lengths[minute % lengths.length] ?? 0;
    const at = firesAt(now, minutes);
    for (const reading of READINGS)
      assert.equal(firstRun(now, minutes, reading), at, `${minute} ${minutes} ${reading}`);
    assert.equal(at % HOUR, 0);
    assert.ok(at - now >= LEAST_MINUTES * MINUTE && at - now <= 6 * DAY);
    if (minutes <= MOST_HOURS * 60) assert.ok(at - now >= minutes * MINUTE);
    assert.equal(nextRun(new Date(at).getUTCDay(), new Date(at).getUTCHours(), now), at);
  }
});

test("what this machine calls its zone plays no part, nor does a change of it", () => {
  const zone = process.env.TZ;
  const changes = [Date.UTC(2026, 9, 25, 0, 30), Date.UTC(2026, 2, 29, 0, 30), Date.UTC(2026, 11, 31, 23, 30)];
  try {
    for (const TZ of ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Kiritimati"]) {
      process.env.TZ = TZ;
      for (const now of changes)
        for (const minutes of [61, 180, 1440]) {
          const at = firesAt(now, minutes);
          assert.ok(at - now >= minutes * MINUTE);
          for (const reading of READINGS) assert.equal(firstRun(now, minutes, reading), at, `${TZ} ${minutes}`);
        }
    }
  } finally {
    if (zone === undefined) delete process.env.TZ;
    else process.env.TZ = zone;
  }
});

test("an hourly job would end a machine at the next full hour in one of the readings", () => {
  const now = Date.UTC(2026, 9, 19, 13, 38);
  const at = firesAt(now, 180);
  const call = { id: 1, instanceId: 7, endpoint: "/api/v0/instances/7/", method: "DELETE", body: {}, minute: 0 };
  const hourly = { ...call, frequency: "HOURLY", day: null, hour: null, startTime: at / 1000, endTime: null } as const;
  assert.equal(runOfVast(hourly, now, "waits"), at);
  assert.equal(runOfVast(hourly, now, "nextHour"), Date.UTC(2026, 9, 19, 14));
});

test("a lease ends an hour after training at the latest", () => {
  assert.equal(leaseMinutes({ leaseHours: 10, maxHours: 48 }, 0), 600);
  assert.equal(leaseMinutes({ leaseHours: 100, maxHours: 48 }, 0), 49 * 60);
  assert.equal(leaseMinutes({ leaseHours: 49, maxHours: 48 }, 20 * HOUR), 29 * 60);
  assert.equal(leaseMinutes({ leaseHours: 10, maxHours: 48 }, 20 * HOUR), 600);
});
