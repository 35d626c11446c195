import assert from "node:assert/strict";
import { test } from "node:test";
import { InstanceList, twinsIn } from "../../../../components/vast/client/instance-list.ts";
import { instance } from "../../../support/rows.ts";

/** A list that answers when it is told to, on a clock that only sleeping moves. */
function scripted(tookMs = 0) {
  let now = 0;
  const calls: number[] = [];
  const clock = {
    now: () => now,
    sleep: async (milliseconds: number) => {
      now += milliseconds;
    },
  };
  const client = {
    instances: async () => {
      calls.push(now);
      now += tookMs;
      return [];
    },
  };
  return { list: new InstanceList(client, clock), calls };
}

test("eight who ask at once share one call", async () => {
  const { list, calls } = scripted();
  await Promise.all(Array.from({ length: 8 }, () => list.look()));
  assert.deepEqual(calls, [0]);
});

test("the next look is a second later, and twice as long when others hold the list up", async () => {
  const quick = scripted();
  for (let look = 0; look < 3; look++) await quick.list.look();
  assert.deepEqual(quick.calls, [0, 1000, 2000]);
  const slow = scripted(3000);
  for (let look = 0; look < 2; look++) await slow.list.look();
  assert.deepEqual(slow.calls, [0, 6000]);
});

test("a look that begins while another is under way is a new one", async () => {
  const { list, calls } = scripted();
  const first = list.look();
  await Promise.resolve();
  await first;
  const [second, third] = [list.look(), list.look()];
  assert.equal(second, third);
  await second;
  assert.equal(calls.length, 2);
});

test("a list that fails is told to all who wait, and asked again", async () => {
  let fails = true;
  const client = { instances: async () => (fails ? Promise.reject(new Error("no")) : []) };
  const list = new InstanceList(client, { now: () => 0, sleep: async () => {} });
  const [one, other] = [list.look(), list.look()];
  await assert.rejects(one, /no/);
  await assert.rejects(other, /no/);
  fails = false;
  assert.deepEqual(await list.look(), []);
});

test("twins carry exactly the label, live, and are another", () => {
  const row = (id: number, label: string | null, changes = {}) => instance({ id, label, ...changes });
  const rows = [
    row(1, "vt-a"),
    row(2, "vt-a"),
    row(3, "vt-a", { actual_status: "exited", intended_status: "stopped", cur_state: "stopped" }),
    row(4, "vt-a", { cur_state: "unloaded" }),
    row(5, "vt-a2"),
    row(6, "vt-"),
    row(7, null),
  ];
  assert.deepEqual(
    twinsIn(rows, "vt-a", 1).map(({ id }) => id),
    [2, 3],
  );
  assert.equal(twinsIn(rows, "vt-a").length, 3);
});
