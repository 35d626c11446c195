import assert from "node:assert/strict";
import { mkdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { stopScript, tracesScript, trainScript } from "../../../../components/remote/scripts.ts";
import { isUntouched, tracesIn } from "../../../../components/vast/ready/traces.ts";
import { openBox, stepOf, until } from "../../remote/box.ts";

test("a machine tells whether training of ours has run, whatever greets a session, and looking changes nothing", async (t) => {
  const box = openBox(t);
  const look = async (folder = "") => tracesIn((await box.run(`echo hello\n${tracesScript(folder, box)}`)).out);
  const bare = await look();
  assert.deepEqual(bare, { kept: false, trained: false, folder: false, saved: false, files: false });
  assert.ok(isUntouched(bare));
  // Other steps have left something, and none of it is training's.
  mkdirSync(join(box.workspace, ".vast-training"));
  assert.ok((await look()).kept && isUntouched(await look()));
  const checkpoints = join(box.workspace, "checkpoints");
  const step = stepOf(
    box,
    `echo begun; until [ -e ${checkpoints}/go ]; do sleep 0.05; done; echo x >${checkpoints}/step_1; sleep 100`,
  );
  const up = await box.run(trainScript({ ...step, tickSeconds: 0.2 }));
  assert.equal(up.code, 0, up.err);
  assert.deepEqual(await look(), { kept: true, trained: true, folder: true, saved: false, files: false });
  box.write(join(checkpoints, "go"), "");
  await until(
    () => box.read(".vast-training/train.saved") !== "",
    () => "the guard notes that files were saved",
  );
  assert.deepEqual(await look(), { kept: true, trained: true, folder: true, saved: true, files: true });
  await box.run(stopScript({ workspace: box.workspace, stopGraceSeconds: 5 }));
  rmSync(checkpoints, { recursive: true });
  assert.deepEqual(await look(checkpoints), { kept: true, trained: true, folder: false, saved: true, files: false });
});

test("a file behind a link counts, a link that leads in circles or nowhere does not", async (t) => {
  const box = openBox(t);
  const [folder, outside] = [join(box.workspace, "own"), join(box.root, "data")];
  const files = async () => tracesIn((await box.run(tracesScript(folder, box))).out).files;
  mkdirSync(folder);
  mkdirSync(outside);
  symlinkSync(".", join(folder, "self"));
  symlinkSync("/nowhere/at/all", join(folder, "gone"));
  symlinkSync(outside, join(folder, "run"));
  assert.equal(await files(), false);
  box.write(join(outside, "step_1"), "x");
  assert.equal(await files(), true);
});

test("an answer that is none is an error", () => {
  assert.throws(() => tracesIn("hello"), /does not say whether training has run/);
});
