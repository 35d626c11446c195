import assert from "node:assert/strict";
import { test } from "node:test";
import { secondsIn, standingIn } from "../../../../components/run/shown/printed.ts";

test("the seconds to the first line are those that the step prints, and null when it prints none", () => {
  assert.equal(secondsIn("training: started, pid 7\ntraining: first line 14250 ms after the first login\n"), 14.25);
  assert.equal(secondsIn("training: started, pid 7"), null);
  assert.equal(secondsIn(undefined), null);
});

const AT = 1_700_000_000;
const RUN = "abcd1234";
const printed = (...lines: string[]) => [...lines, `training: seen at ${AT}`, ""].join("\n");
const told = (text: string, since = AT * 1000) => standingIn(text, RUN, since);

test("what training does is said in lines of 80 columns at most", () => {
  assert.deepEqual(told(printed("training: started, pid 7", "training: says step 1 loss 5.291")), [
    "training runs: step 1 loss 5.291",
  ]);
  assert.deepEqual(told(printed("training: runs already, pid 7")), ["training runs, and says nothing yet"]);
  assert.deepEqual(told(printed("training: has ended with exit code 0", "training: says x")), [
    "training has ended with exit code 0",
  ]);
  const [long = ""] = told(printed("training: started, pid 7", `training: says ${"word ".repeat(40)}`));
  // Pulumi puts four blanks before it.
  assert.ok(long.length <= 76 && long.endsWith("…"), long);
});

test("the page at Weights & Biases is that of this run, and no other address of the log", () => {
  const page = `https://wandb.ai/me/it/runs/${RUN}`;
  assert.deepEqual(told(printed("training: started, pid 7", `training: wandb ${page}`)).slice(1), [`wandb: ${page}`]);
  for (const other of ["https://wandb.ai/me/it/runs/other", `https://x/\u001b[0m/runs/${RUN}`, `ftp://x/runs/${RUN}`])
    assert.deepEqual(told(printed("training: started, pid 7", `training: wandb ${other}`)).slice(1), [], other);
});

test("what an earlier up has seen is not said again: it may not be true any more", () => {
  const text = printed("training: started, pid 7", "training: says step 1");
  assert.equal(told(text, AT * 1000 + 20_000).length, 1, "a clock may be behind");
  assert.deepEqual(told(text, AT * 1000 + 3_600_000), []);
  assert.deepEqual(told("training: started, pid 7"), [], "an earlier version did not say when");
});
