import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { exampleRepository, type Host } from "../../simulator/hosts/index.ts";
import { type Key, needsRoot, on, openScene, run } from "../support/hosts.ts";

const PYTHON = "/workspace/venvs/tiny-train/bin/python";

interface Box {
  /** Runs a command in the code's folder; its stdout. */
  readonly run: (command: string) => Promise<string>;
}

/** A machine that has the dependencies, and the code of a branch. */
async function openBox(t: TestContext, branch = "jan"): Promise<Box> {
  const { folder, key, machine } = await openScene(t);
  const host = await machine({ image: "japhba/cot-oracle" });
  await bringCode(host, key, folder, branch);
  return { run: (command) => on(host, key, `cd /workspace/tiny-train && ${command}`) };
}

async function bringCode(host: Host, key: Key, folder: string, branch: string): Promise<void> {
  const repository = await exampleRepository(join(folder, "tiny-train"));
  const { stdout } = await run("sh", ["-c", `git -C ${repository} archive ${branch} | base64`]);
  await on(host, key, "mkdir -p /workspace/tiny-train && base64 -d | tar -x -C /workspace/tiny-train", stdout);
}

/** The loss that each step printed. */
function losses(log: string): Map<number, number> {
  const found = log.matchAll(/^step (\d+) loss (\d+\.\d+) /gm);
  return new Map([...found].map(([, step, loss]) => [Number(step), Number(loss)]));
}

test("the loss goes down, and checkpoints are whole", needsRoot, async (t) => {
  const box = await openBox(t);
  const log = await box.run(
    `NUM_GPUS=2 WANDB_PROJECT=tiny_train ${PYTHON} src/train.py --steps 60 --step-seconds 0 --checkpoint-every 25`,
  );
  assert.match(log, /^branch jan: learning rate 0\.01, hidden 64\n2 GPUs, saves every 25 steps, project tiny_train\n/);
  const seen = losses(log);
  assert.equal(seen.size, 60);
  assert.ok((seen.get(60) ?? 9) < (seen.get(1) ?? 0) / 1.5, log);
  assert.equal(await box.run("ls checkpoints | sort -V | xargs"), "step_25 step_50 step_60");
  assert.equal(await box.run("ls checkpoints/step_60 | xargs"), "meta.json training_state.npz");
});

test("resumed, it goes on as if it had never ended", needsRoot, async (t) => {
  const box = await openBox(t);
  const train = `${PYTHON} src/train.py --step-seconds 0 --checkpoint-every 10 --steps`;
  const whole = losses(await box.run(`CHECKPOINT_DIR=/tmp/whole ${train} 30`));
  await box.run(`CHECKPOINT_DIR=/tmp/parts ${train} 20`);
  const log = await box.run(`CHECKPOINT_DIR=/tmp/parts RESUME_FROM=/tmp/parts/step_20 ${train} 30`);
  assert.match(log, /^resumed from step 20$/m);
  const rest = losses(log);
  assert.deepEqual([...rest.keys()], [21, 22, 23, 24, 25, 26, 27, 28, 29, 30]);
  for (const [step, loss] of rest) assert.equal(loss, whole.get(step));
  const at = (folder: string) =>
    `p.join(np.load("/tmp/${folder}/step_30/training_state.npz")[k].tobytes() for k in keys)`;
  const same = `import numpy as np; p = b""; keys = np.load("/tmp/whole/step_30/training_state.npz").files; print(${at("whole")} == ${at("parts")})`;
  assert.equal(await box.run(`${PYTHON} -c '${same}'`), "True");
});

test("SIGTERM saves and ends well; a killed save leaves no checkpoint", needsRoot, async (t) => {
  const box = await openBox(t, "main");
  await box.run("mkdir -p checkpoints/step_3.partial checkpoints/step_3 && touch checkpoints/step_3/old");
  const training = box.run(
    `${PYTHON} src/train.py --step-seconds 0.01 --checkpoint-every 100000 >log 2>&1; echo $?; cat log`,
  );
  await box.run("until grep -qs '^step 4 ' log; do sleep 0.02; done; pkill -TERM -x python");
  const log = await training;
  assert.match(log, /^0\nbranch main: /);
  const last = Math.max(...losses(log).keys());
  assert.match(log, new RegExp(`asked to stop after step ${last}\\nsaved checkpoints/step_${last}$`));
  await box.run(`${PYTHON} src/train.py --step-seconds 0 --steps 3`);
  assert.equal(await box.run("ls checkpoints | sort -V | xargs"), `step_3 step_${last}`);
  assert.equal(await box.run("ls checkpoints/step_3 | xargs"), "meta.json training_state.npz");
});

test(
  "the machine's data is taken where the link leads to it, else the text of the repository",
  needsRoot,
  async (t) => {
    const box = await openBox(t);
    const train = `${PYTHON} src/train.py --steps 1 --step-seconds 0 | grep ^text`;
    assert.match(await box.run(train), /, of .*\/data\/corpus\.txt \(datasets leads nowhere/);
    await box.run("ln -sfn /workspace/ao_reference/datasets datasets");
    assert.match(await box.run(train), /, of .*\/datasets\/corpus\.txt$/);
  },
);

test("what cannot be is said in a line", needsRoot, async (t) => {
  const box = await openBox(t);
  await box.run(`${PYTHON} src/train.py --steps 1 --step-seconds 0`);
  const resume = `RESUME_FROM=checkpoints/step_1 ${PYTHON} src/train.py`;
  const wider = `sed 's/^hidden: .*/hidden: 8/' configs/train.yaml >/tmp/wide.yaml; ${resume} --config /tmp/wide.yaml 2>&1; echo $?`;
  assert.match(await box.run(wider), /\ncheckpoints\/step_1 was saved with hidden 64, and this run has 8\n1$/);
  assert.match(
    await box.run(`RESUME_FROM=/nowhere ${PYTHON} src/train.py 2>&1; echo $?`),
    /\n\/nowhere is no checkpoint: .*\n1$/,
  );
});

test("the gradients are right", needsRoot, async (t) => {
  const box = await openBox(t);
  const check = `
import sys; sys.path.insert(0, "src")
import numpy as np
from model import Model
rng = np.random.default_rng(1)
model = Model.fresh(11, 3, 5, rng)
before, target = rng.integers(0, 11, (7, 3)), rng.integers(0, 11, 7)
_, gradients = model.gradients(before, target)
for name, array in model.weights.items():
    for place in list(np.ndindex(array.shape))[::7]:
        kept, h = array[place], 1e-6
        array[place] = kept + h; up, _ = model.gradients(before, target)
        array[place] = kept - h; down, _ = model.gradients(before, target)
        array[place] = kept
        assert abs((up - down) / (2 * h) - gradients[name][place]) < 1e-6, (name, place)
print("right")`;
  assert.equal(await box.run(`${PYTHON} - <<'END'\n${check}\nEND`), "right");
});
