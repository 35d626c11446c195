import assert from "node:assert/strict";
import { test } from "node:test";
import { throttled } from "../../../components/pulumi/throttle.ts";

test("one text a second of each kind is shown", () => {
  const shown: string[] = [];
  let time = 0;
  const show = throttled(
    (text) => shown.push(text),
    () => time,
  );
  for (const text of ["copying 1 %", "copying 2 %", "verifying 1 %", "verifying 2 %"]) show(text);
  time = 1000;
  show("verifying 3 %");
  assert.deepEqual(shown, ["copying 1 %", "verifying 1 %", "verifying 3 %"]);
});
