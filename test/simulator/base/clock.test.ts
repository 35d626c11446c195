import assert from "node:assert/strict";
import { test } from "node:test";
import { handClock, isHandClock, realClock, scoped, sleep } from "../../../simulator/base/clock.ts";

test("a hand-turned clock rings in the order of time, each alarm at its own time", async () => {
  const clock = handClock(0);
  const rung: [string, number][] = [];
  clock.after(2000, () => void rung.push(["second", clock.now()]));
  clock.after(1000, () => {
    rung.push(["first", clock.now()]);
    clock.after(500, () => void rung.push(["between", clock.now()]));
  });
  clock.after(9000, () => void rung.push(["too late", clock.now()]));
  await clock.advance(3);
  assert.deepEqual(rung, [
    ["first", 1000],
    ["between", 1500],
    ["second", 2000],
  ]);
  assert.equal(clock.now(), 3000);
});

test("a hand-turned clock waits for what an alarm began", async () => {
  const clock = handClock(0);
  let done = false;
  clock.after(1000, async () => {
    await new Promise((next) => setImmediate(next));
    done = true;
  });
  await clock.advance(1);
  assert.ok(done);
});

test("two may turn it at once, and it never goes back", async () => {
  const clock = handClock(0);
  clock.after(1000, () => new Promise((next) => setImmediate(next)));
  await Promise.all([clock.advance(10), clock.advance(2)]);
  assert.equal(clock.now(), 10_000);
});

test("an alarm that is called off stays silent", async () => {
  const clock = handClock(0);
  const cancel = clock.after(1000, () => assert.fail("it rang"));
  cancel();
  await clock.advance(2);
});

test("a sleep ends when its time has come", async () => {
  const clock = handClock(0);
  const slept = sleep(clock, 5).then(() => clock.now());
  await clock.advance(60);
  assert.equal((await slept) >= 5000, true);
});

test("a scoped clock is still turned by hand, and its alarms end together", async () => {
  const { clock, end } = scoped(handClock(0));
  assert.ok(isHandClock(clock));
  clock.after(1000, () => assert.fail("it rang"));
  end();
  await clock.advance(2);
  assert.equal(clock.now(), 2000);
});

test("the real clock takes waits that are longer than a timer can be", () => {
  const cancel = realClock().after(90 * 86_400_000, () => assert.fail("it rang at once"));
  cancel();
});
