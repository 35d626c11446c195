import assert from "node:assert/strict";
import { test } from "node:test";
import { eventFrom, lineOf } from "../../../components/events/event.ts";
import { learnSecrets } from "../../../components/lib/secrets.ts";

const event = { at: 5, actor: "a test", what: "ready" } as const;

test("a line is read as it was written", () => {
  const whole = { ...event, run: "vt-one", instance: 7, gpuPerHour: 2, until: null };
  assert.deepEqual(eventFrom(lineOf(whole)), whole);
});

for (const [why, text] of [
  ["no JSON", "{"],
  ["no object", "7"],
  ["an unknown kind", JSON.stringify({ ...event, what: "exploded" })],
  ["no time", JSON.stringify({ ...event, at: undefined })],
  ["a price that is none", JSON.stringify({ ...event, gpuPerHour: "2" })],
  ["a label that goes into a terminal", JSON.stringify({ ...event, run: "a\u001b[2J" })],
  ["too long", JSON.stringify({ ...event, other: "x".repeat(5000) })],
] as const) {
  test(`no event: ${why}`, () => {
    assert.equal(eventFrom(text), undefined);
  });
}

test("a reason is one short line without credentials, whatever a host says", () => {
  learnSecrets(["s3cret-token-of-mine"]);
  const line = lineOf({ ...event, reason: `two\nlines s3cret-token-of-mine ${"x".repeat(500)}` });
  const { reason = "" } = eventFrom(line) ?? {};
  assert.ok(reason.startsWith("two lines "), reason);
  assert.ok(reason.length <= 200);
  assert.ok(!line.includes("s3cret-token-of-mine"));
});
