import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type TrainStep, trainScript } from "../../../components/remote/scripts.ts";
import { type Wandb, wandbTags } from "../../../components/remote/wandb.ts";
import { standingIn } from "../../../components/run/shown/printed.ts";
import { offlineRuns, pythonWithWandb } from "../../support/wandb.ts";
import { type Box, ENDS, ended, GUARD, openBox, TRAINING } from "./box.ts";

const WANDB: Wandb = {
  runId: "ab12cd34",
  branch: "jan",
  commit: "c0ffee".padEnd(40, "0"),
  gpu: "H100 SXM",
  pricePerHour: 2.415,
  machineId: "12",
};

function stepOf(box: Box, more: Partial<TrainStep>): string {
  mkdirSync(join(box.workspace, "repo"), { recursive: true });
  const own = { workspace: box.workspace, repo: "https://example.org/me/repo", checkpointsDir: join(box.root, "c") };
  return trainScript({ ...GUARD, ...TRAINING, ...own, wandb: WANDB, ...more });
}

const SHOW = 'env | grep "^WANDB_" | sort; trap "exit 0" TERM; while :; do sleep 0.05; done';

test("training finds the run and its tags, a name of the user's own wins, and without a run there is none", async (t) => {
  const box = openBox(t);
  await box.run(stepOf(box, { command: SHOW, env: { WANDB_TAGS: "mine" } }));
  assert.match(
    box.read("train.log"),
    /WANDB_PROJECT=project\nWANDB_RESUME=allow\nWANDB_RUN_ID=ab12cd34\nWANDB_TAGS=mine/,
  );
  await box.run(
    trainScript({
      ...GUARD,
      ...TRAINING,
      workspace: box.workspace,
      repo: "r/repo",
      checkpointsDir: join(box.root, "c"),
      command: SHOW,
    }),
  );
  assert.doesNotMatch(box.read("train.log"), /WANDB_(RUN_ID|RESUME|TAGS)/);
});

test("the step tells the first line of training, and the run's page where the log names it", async (t) => {
  const box = openBox(t);
  const page = "https://wandb.ai/me/it/runs";
  const says = `echo; echo "a line"; echo "View run at ${page}/other"; echo "View run at ${page}/$WANDB_RUN_ID now"; exit 0`;
  const { out } = await box.run(`${ENDS}\n${stepOf(box, { command: says })}`);
  assert.match(out, /^training: says a line$/m);
  assert.match(out, new RegExp(`^training: wandb ${page}/ab12cd34$`, "m"));
  const [line, url] = standingIn(out, WANDB.runId, Date.now());
  assert.deepEqual([line, url], ["training has ended with exit code 0", `wandb: ${page}/ab12cd34`]);
  assert.doesNotMatch((await box.run(stepOf(box, { command: "exit 0" }))).out, /^training: (says|wandb)/m);
});

test("another price, machine or id leaves a running training alone, and reaches it when it is started again", async (t) => {
  const box = openBox(t);
  await box.run(stepOf(box, { command: SHOW }));
  const pid = box.read(".vast-training/train.pid");
  const moved = { ...WANDB, pricePerHour: 3, machineId: "13", gpu: "H200" };
  assert.match((await box.run(stepOf(box, { command: SHOW, wandb: moved }))).out, /runs already/);
  assert.equal(box.read(".vast-training/train.pid"), pid);
  await box.run(stepOf(box, { command: SHOW, wandb: moved, run: "2" }));
  assert.match(box.read("train.log"), /WANDB_TAGS=.*gpu:H200,price:\$3\.000\/h,machine:13/);
});

test("a tag has no comma, and no more letters than wandb takes", () => {
  const tags = wandbTags({ ...WANDB, gpu: "A, B", branch: "b".repeat(100) });
  assert.deepEqual(tags.slice(1), ["commit:c0ffee000000", "gpu:A  B", "price:$2.415/h", "machine:12"]);
  assert.equal(tags[0]?.length, 64);
});

const LOG_ONE =
  "import os, wandb; run = wandb.init(name='cot_oracle-' + os.environ['WANDB_RUN_ID']); run.log({'loss': 1}); run.finish()";

test("two starts on two machines are one run for the real wandb package", { timeout: 240_000 }, async (t) => {
  const python = await pythonWithWandb(t);
  if (python === undefined) return;
  const env = { WANDB_MODE: "offline", WANDB_SILENT: "true" };
  const runs = await Promise.all(
    ["12", "13"].map(async (machineId) => {
      const box = openBox(t);
      box.write(join(box.workspace, ".env"), "export WANDB_API_KEY='0123456789012345678901234567890123456789'\n");
      const command = `${python} -c "${LOG_ONE}"`;
      const result = await box.run(stepOf(box, { command, env, wandb: { ...WANDB, machineId } }));
      assert.equal(result.code, 0, result.err);
      await ended(box);
      assert.equal(box.read("train.exit"), "0\n", box.read("train.log"));
      return offlineRuns(python, join(box.workspace, "repo/wandb"));
    }),
  );
  const same = { id: "ab12cd34", project: "project", name: "cot_oracle-ab12cd34" };
  const tags = (machine: string) => [
    "branch:jan",
    "commit:c0ffee000000",
    "gpu:H100 SXM",
    "price:$2.415/h",
    `machine:${machine}`,
  ];
  assert.deepEqual(runs, [[{ ...same, tags: tags("12") }], [{ ...same, tags: tags("13") }]]);
});
