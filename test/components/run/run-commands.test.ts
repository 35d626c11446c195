import assert from "node:assert/strict";
import { test } from "node:test";
import { secondsIn } from "../../../components/run/run-commands.ts";

test("the seconds to the first line are those that the step prints, and null when it prints none", () => {
  assert.equal(secondsIn("training: started, pid 7\ntraining: first line 14250 ms after the first login\n"), 14.25);
  assert.equal(secondsIn("training: started, pid 7"), null);
  assert.equal(secondsIn(undefined), null);
});
