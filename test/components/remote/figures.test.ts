import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import type { Figures } from "../../../cli/facts/facts.ts";
import { figuresIn } from "../../../cli/facts/figures.ts";
import { figuresScript, trainScript } from "../../../components/remote/scripts.ts";
import { type Box, ended as end, openBox, stepOf } from "./box.ts";

async function look(box: Box): Promise<Figures> {
  const { code, out, err } = await box.run(figuresScript({ workspace: box.workspace }));
  assert.equal(code, 0, err);
  return figuresIn(out);
}

test("before training a machine tells of its disk and how long it is up, and nothing that is not there", async (t) => {
  const { training, exitCode, logAge, line, progress, disk, diskOf, up } = await look(openBox(t));
  assert.deepEqual([training, exitCode, logAge, line, progress], ["not begun", null, null, "", {}]);
  assert.ok(disk !== null && diskOf !== null && disk > 0 && disk <= diskOf);
  assert.ok(up !== null && up >= 0);
});

test("how far training is, without its credentials, and with which exit code it has ended", async (t) => {
  const box = openBox(t);
  const go = join(box.root, "go");
  box.write(join(box.workspace, ".env"), "export TOKEN='s3cret-token-of-mine'\n");
  // In one write: the step waits for a first line only.
  const says = "printf '%s\\n' 'step 5 of 9 loss 0.5' 'with s3cret-token-of-mine'";
  await box.run(trainScript(stepOf(box, `${says}; until [ -e ${go} ]; do sleep 0.05; done; exit 7`)));
  const { training, exitCode, line, progress, logAge } = await look(box);
  assert.deepEqual([training, exitCode, line], ["runs", null, "with [secret]"]);
  assert.deepEqual(progress, { step: 5, of: 9, loss: 0.5 });
  assert.ok(logAge !== null && logAge >= 0);
  box.write(go, "");
  await end(box);
  const ended = await look(box);
  assert.deepEqual([ended.training, ended.exitCode], ["ended", 7]);
});

test("GPUs are summed up, their use is the mean, and what cannot be read is no figure", () => {
  const { gpuUse, gpuMemory, gpuMemoryOf } = figuresIn(
    "Welcome\nfigures\ngpu 80 10 100\ngpu 90 20 100\ntraining runs\n",
  );
  assert.deepEqual([gpuUse, gpuMemory, gpuMemoryOf], [85, 30, 200]);
  const none = figuresIn("figures\ndisk x\ntraining not begun\n");
  assert.deepEqual([none.gpuUse, none.gpuMemory, none.disk, none.up], [null, null, null, null]);
  assert.throws(() => figuresIn("Welcome\n"), /does not say how it is/);
});

test("a line of the log is safe for a terminal", () => {
  const { line } = figuresIn("figures\ntraining runs\nlog 1\n| \u001b[2Jred\u0007\n| \n");
  assert.equal(line, "red");
});
