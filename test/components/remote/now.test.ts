import assert from "node:assert/strict";
import { test } from "node:test";
import { leaveText, type Now, nowIn, restartText } from "../../../components/remote/now.ts";
import { nowScript, trainScript } from "../../../components/remote/scripts.ts";
import { openBox, stepOf } from "./box.ts";

test("a machine tells whether training runs, the last step of its log, and its files", async (t) => {
  const box = openBox(t);
  const { workspace } = box;
  const now = async () => nowIn((await box.run(nowScript(`${workspace}/checkpoints`, { workspace }))).out);
  assert.deepEqual(await now(), { runs: false, step: undefined, files: 0 });
  // In one write: the step waits for a first line only.
  const says = 'printf "%s\\n" "step 7 loss 2.5" "Step: 620 | loss 1.2" "saved footstep 9"; exec sleep 60';
  await box.run(trainScript(stepOf(box, says)));
  box.write(`${workspace}/checkpoints/step_600/model`, "x");
  assert.deepEqual(await now(), { runs: true, step: 620, files: 1 });
});

test("the step is read as a status reads it, progress bars included", () => {
  const said = "now runs=1 files=3\n| 62%|###   | 620/1000 [04:10<02:33, 2.48it/s]\n";
  assert.deepEqual(nowIn(said), { runs: true, step: 620, files: 3 });
});

const now: Now = { runs: true, step: 620, files: 12 };

test("what becomes of training is a line of 80 columns", () => {
  const cases: [text: string, line: string][] = [
    [restartText(now), "training (step 620) is stopped and started again from its last checkpoint"],
    [restartText(undefined), "training is stopped and started again from its last checkpoint"],
    [restartText({ ...now, step: undefined }), "training is stopped and started again from its last checkpoint"],
    [restartText({ ...now, runs: false }), "training (step 620) is stopped; it starts again from its last checkpoint"],
    [leaveText(now), "training (step 620) is asked to save, and its 12 files come home first"],
    [leaveText({ ...now, files: 1 }), "training (step 620) is asked to save, and its 1 file comes home first"],
    [leaveText({ ...now, runs: false }), "training does not run; its 12 files come home first"],
    [leaveText(undefined), "training is asked to save, and its files come home first"],
  ];
  for (const [text, line] of cases) {
    assert.equal(text, line);
    assert.ok(line.length <= 76, line);
  }
});

test("a machine that says anything else says nothing", () => {
  for (const said of ["", "now runs=2 files=0", "now runs=1 files=x", "now runs=1"])
    assert.equal(nowIn(said), undefined, said);
});
