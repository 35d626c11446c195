import assert from "node:assert/strict";
import { test } from "node:test";
import type { Instance } from "../../../../components/vast/client/wire.ts";
import { happeningIn, note, readyAfter, servedSince } from "../../../../components/vast/ready/experience.ts";
import type { Means } from "../../../../components/vast/ready/means.ts";
import type { Failed } from "../../../../components/vast/ready/ready.ts";
import { instance } from "../../../support/rows.ts";

const told = { actual_status: "exited", intended_status: "stopped", next_state: "stopped", cur_state: "stopped" };
const outbid = instance({ ...told, min_bid: 2, dph_base: 1.8 });
const displaced = instance({ ...told, min_bid: 1.5, dph_base: 1.8 });
const exited = instance({ actual_status: "exited" });
const queued = instance({ actual_status: "exited", cur_state: "stopped" });

const ends: [cause: Failed["cause"], row: Instance | undefined, what: string | undefined][] = [
  ["host", exited, "fault"],
  ["host", undefined, "fault"],
  ["late", instance(), "fault"],
  ["terms", instance(), "fault"],
  ["stopped", exited, "fault"],
  ["stopped", outbid, "outbid"],
  ["stopped", displaced, undefined],
  ["stopped", instance({ ...told, min_bid: null }), undefined],
  ["stopped", instance({ ...told, is_bid: false }), undefined],
  ["stopped", queued, undefined],
  ["stopped", undefined, undefined],
  ["image", instance(), undefined],
  ["limited", instance(), undefined],
  ["gone", undefined, undefined],
  ["unseen", instance(), undefined],
  ["called off", instance(), undefined],
];

test("only what is a machine's own counts against it", () => {
  for (const [cause, row, what] of ends) {
    const happening = happeningIn({ ready: false, cause, text: "words of a/b", instance: row }, ["a/b"]);
    assert.equal(happening?.what, what, `${cause} ${row?.actualStatus}`);
  }
});

test("a pull has a speed where its size is known and it was seen", () => {
  const ready = { image: "a/b:1", bootMs: 90_400, pullMs: 80_000, pulledBytes: 10e9 };
  assert.deepEqual(readyAfter(ready), { what: "ready", bootSeconds: 90, pullMbps: 1000 });
  for (const unseen of [{ pullMs: null }, { pulledBytes: null }, { pullMs: 900 }])
    assert.deepEqual(readyAfter({ ...ready, ...unseen }), { what: "ready", bootSeconds: 90 });
});

test("hours are counted from when it was ready, and never backwards", () => {
  assert.deepEqual(servedSince("a/b", 0, 41.256 * 3_600_000), { what: "served", hours: 41.26 });
  assert.deepEqual(servedSince("a/b", 9, 0), { what: "served", hours: 0 });
});

test("of an image its digest is noted, where it has one, and never its name", () => {
  const pulled = `sha256:${"0".repeat(64)}`;
  const image = `me/private-thing:v1@${pulled}`;
  const ready = readyAfter({ image, bootMs: 1000, pullMs: null, pulledBytes: null });
  assert.deepEqual(ready, { what: "ready", bootSeconds: 1, pulled });
  assert.deepEqual(servedSince(image, 0, 0), { what: "served", hours: 0, pulled });
});

test("what is noted has the last price on demand beside it; what has no machine is not", () => {
  const noted: unknown[] = [];
  const means = {
    ledger: { note: (...words: unknown[]) => void noted.push(words) },
    prices: { onDemand: () => ({ perHour: 2, at: 7 }) },
  } as unknown as Pick<Means, "ledger" | "prices">;
  note(means, { machineId: null, gpus: 1 }, { what: "outbid" });
  note(means, { machineId: 4, gpus: 1 }, undefined);
  note({ ...means, ledger: undefined }, { machineId: 4, gpus: 1 }, { what: "outbid" });
  note(means, instance(), { what: "outbid" });
  assert.deepEqual(noted, [[{ machineId: 41907, gpus: 1 }, { what: "outbid" }, { perHour: 2, at: 7 }]]);
});
