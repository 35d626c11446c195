import assert from "node:assert/strict";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { stopScript, type TrainStep, trainingHash, trainScript } from "../../../components/remote/scripts.ts";
import { type Box, ENDS, openBox, stepOf, until } from "./box.ts";

const pidOf = (box: Box) => box.read(".vast-training/train.pid").split(" ")[0];
const LOOP = 'trap "echo saved; exit 0" TERM; echo ready; while :; do sleep 0.05; done';
/** The step, of a training that ends. */
const brief = (box: Box, step: TrainStep, before = "") => box.run(`${ENDS}\n${before}\n${trainScript(step)}`);

test("training gets its environment, and its log and exit code are written", async (t) => {
  const box = openBox(t);
  box.write(join(box.workspace, ".env"), "export SECRET='from env file'\nexport HF_HOME='elsewhere'\n");
  const step = stepOf(box, 'env | sort; pwd; echo "$A"; exit 0', {
    env: { A: 'it\'s "$HOME"', WANDB_PROJECT: "mine" },
  });
  const first = await brief(box, step);
  assert.equal(first.code, 0, first.err);
  assert.match(first.out, /has ended with exit code 0/);
  assert.equal(box.read("train.exit"), "0\n");
  const log = box.read("train.log");
  const expected = [
    "SECRET=from env file",
    "HF_HOME=elsewhere",
    "NUM_GPUS=2",
    `CHECKPOINT_DIR=${box.workspace}/checkpoints`,
    "WANDB_PROJECT=mine",
    "PYTHONUNBUFFERED=1",
    join(box.workspace, "repo"),
    'it\'s "$HOME"',
  ];
  for (const line of expected) assert.ok(log.split("\n").includes(line), `${line} in\n${log}`);
  assert.doesNotMatch(log, /RESUME_FROM/);

  assert.match((await box.run(trainScript(step))).out, /has ended with exit code 0/);
  assert.equal(box.read("train.log"), log, "one that has ended well is not started again");
});

test("the same training is left alone, another one replaces it and resumes from its last checkpoint", async (t) => {
  const box = openBox(t);
  const step = stepOf(box, LOOP);
  assert.equal((await box.run(trainScript(step))).code, 0);
  const pid = pidOf(box);
  const again = await box.run(trainScript({ ...step, pricePerHour: 9, stopGraceSeconds: 7 }));
  assert.match(again.out, new RegExp(`runs already, pid ${pid}`));
  assert.equal(pidOf(box), pid);

  box.write(join(box.workspace, "checkpoints/step_10/training_state.json"), "{}");
  const other = await brief(box, { ...step, command: 'echo "from $RESUME_FROM"' });
  assert.equal(other.code, 0, other.err);
  assert.match(other.out, /training has stopped after \d+ s/);
  assert.match(box.read("train.log"), new RegExp(`^from ${box.workspace}/checkpoints/step_10$`, "m"));
});

test("a training that dies at once fails the step with its last words, the price and the way out", async (t) => {
  const box = openBox(t);
  const dead = await brief(box, stepOf(box, 'echo "no module named x" >&2; exit 3'));
  assert.equal(dead.code, 1);
  for (const words of [/no module named x/, /exit code 3/, /\$2\.400\/h/, /pulumi destroy -s local/]) {
    assert.match(dead.err, words);
  }
  assert.equal((await brief(box, stepOf(box, "exit 3"))).code, 1, "it is tried again");
});

test("stop asks the whole group, waits for it, and notes the exit code of the command itself", async (t) => {
  const box = openBox(t);
  const compound = `bash -c '${LOOP}' && echo not-reached`;
  await box.run(trainScript(stepOf(box, compound)));
  const stopped = await box.run(stopScript({ workspace: box.workspace, stopGraceSeconds: 60 }));
  assert.equal(stopped.code, 0, stopped.err);
  assert.match(stopped.out, /training has stopped/);
  assert.match(box.read("train.log"), /saved/);
  assert.doesNotMatch(box.read("train.log"), /not-reached/);
  assert.equal(box.read("train.exit"), "0\n");
  assert.equal((await box.run(stopScript({ workspace: box.workspace, stopGraceSeconds: 1 }))).out, "");
});

test("one that does not listen is killed, with everything it has started, and stop says so", async (t) => {
  const box = openBox(t);
  const deaf = "trap '' TERM; setsid sleep 1000 & echo started; while :; do sleep 0.05; done";
  await box.run(trainScript(stepOf(box, deaf)));
  const id = box.read(".vast-training/train.id").trim();
  const stopped = await box.run(stopScript({ workspace: box.workspace, stopGraceSeconds: 1 }));
  assert.match(stopped.out, /did not end within 1 s and was killed/);
  const { out } = await box.run(`grep -lzsx TRAINING_ID=${id} /proc/[0-9]*/environ || true`);
  assert.equal(out, "");
  assert.equal(box.read("train.exit"), "137\n");
});

test("a question ends at once, also one that is asked past the standard input", async (t) => {
  const box = openBox(t);
  const ask = 'read -p "overwrite? " x || echo "no input"; (exec 3</dev/tty) 2>/dev/null && echo waits';
  const secret = "python3 -c 'import getpass; getpass.getpass()' || echo no password";
  const result = await brief(box, stepOf(box, `${ask}; ${secret}; exit 0`));
  assert.match(result.out, /has ended with exit code 0/);
  const log = box.read("train.log");
  assert.match(log, /no input\n[\s\S]*no password\n/);
  assert.doesNotMatch(log, /waits/);
});

test("with interactive it may be answered in the session", async (t) => {
  const box = openBox(t);
  await box.run(trainScript(stepOf(box, 'read -p "overwrite? " x; echo "then $x"', { interactive: true })));
  await until(
    () => box.read("train.log").includes("overwrite? "),
    () => box.read("train.log"),
  );
  await box.run("tmux send-keys -t =train: perhaps Enter");
  await until(
    () => /then perhaps/.test(box.read("train.log")),
    () => box.read("train.log"),
  );
});

test("a kill for want of memory is told, whatever the exit code, and any other one as such", async (t) => {
  const ends: [events: string, command: string, said: RegExp][] = [
    [
      "oom_kill 2",
      "echo oom_kill 3 >$CGROUP/memory.events; kill -9 $$",
      /Memory ran out \(8\.5 GB\): .* killed 1 of the processes/,
    ],
    ["oom_kill 2", "echo oom_kill 6 >$CGROUP/memory.events; exit 1", /killed 4 of the processes/],
    ["oom_kill 2", "kill -9 $$", /137 is a kill \(SIGKILL\); it was not for want of memory/],
    ["", "kill -9 $$", /137 is a kill \(SIGKILL\), most often for want of memory/],
    ["oom_kill 0", "kill -BUS $$", /135 is a bus error.* of \/dev\/shm are used/],
  ];
  for (const [events, command, said] of ends) {
    const box = openBox(t);
    const group = join(box.root, "cgroup");
    box.write(join(group, "memory.max"), "8589934592\n");
    if (events !== "") box.write(join(group, "memory.events"), `low 0\n${events}\n`);
    const before = `export CGROUP=${group}`;
    const result = await brief(box, stepOf(box, command), before);
    assert.equal(result.code, 1);
    assert.match(result.err, said);
    const setUp = await brief(box, stepOf(box, "exit 0", { setup: [command.replace("kill", "exec kill")] }), before);
    if (command.includes("-9")) assert.match(setUp.err, /setup: exit code 137: .*SIGKILL|killed 1 of/s);
  }
});

// biome-ignore lint/suspicious/noTemplateCurlyInString: a shell's
const NOTE_RESUME = 'printf "%s\\n" "${RESUME_FROM-none}" >../resume; echo begun';

test("RESUME_FROM is the newest whole checkpoint, and both up and the log say which", async (t) => {
  const box = openBox(t);
  const step = stepOf(box, NOTE_RESUME);
  const first = await brief(box, step);
  assert.equal(box.read("resume"), "none\n");
  assert.doesNotMatch(first.out + box.read("train.log"), /RESUME_FROM/, "nothing is there");

  const folder = join(box.workspace, "checkpoints/odd\nname");
  box.write(join(folder, "step_08"), "x");
  box.write(join(folder, "step_9.pt"), "x");
  const second = await brief(box, { ...step, run: "2" });
  assert.equal(box.read("resume"), `${join(folder, "step_08")}\n`);
  const said = [/RESUME_FROM is .*\/odd\?name\/step_08$/m, /passed over: odd\?name\/step_9.pt \(it is cut off\)$/m];
  for (const words of said) {
    assert.match(second.out, new RegExp(`^training: ${words.source}`, "m"));
    assert.match(box.read("train.log"), new RegExp(`^\\[vast-training\\] ${words.source}`, "m"));
  }
});

test("files of which none is a whole checkpoint are named, and training is told nothing", async (t) => {
  const box = openBox(t);
  for (const name of ["last.ckpt", "checkpoint-5/trainer_state.json", "events.out"]) {
    box.write(join(box.workspace, "checkpoints", name), "x");
  }
  const { out } = await brief(box, stepOf(box, NOTE_RESUME));
  const unset =
    /RESUME_FROM is unset: 3 files are in .*: checkpoint-5 \(.*\), last.ckpt \(it is cut off\), events.out$/;
  assert.match(out, new RegExp(`^training: ${unset.source}`, "m"));
  assert.match(box.read("train.log"), new RegExp(`^\\[vast-training\\] ${unset.source}[^]*^begun$`, "m"));
  assert.equal(box.read("resume"), "none\n");
});

test("a machine without python3 says that it cannot look, where there is something", async (t) => {
  const box = openBox(t);
  const none = join(box.root, "bin/python3");
  box.write(none, "#!/bin/sh\nexit 127\n");
  chmodSync(none, 0o755);
  const step = stepOf(box, NOTE_RESUME);
  const run = (more: Partial<TrainStep>) => brief(box, { ...step, ...more }, `PATH=${join(box.root, "bin")}:$PATH`);
  assert.doesNotMatch((await run({})).out, /RESUME_FROM/);
  box.write(join(box.workspace, "checkpoints/step_1"), "x");
  assert.match((await run({ run: "2" })).out, /^training: RESUME_FROM is unset: .* takes python3/m);
});

test("resumeFrom is a glob, or a command in training's environment; another one restarts nothing", async (t) => {
  const box = openBox(t);
  box.write(join(box.workspace, "checkpoints/step_1"), "x");
  box.write(join(box.workspace, "checkpoints/net-a"), "x");
  const step = stepOf(box, NOTE_RESUME, { env: { WHICH: "net a'" } });
  const found = async (resumeFrom: string, run: string) => {
    const { out } = await brief(box, { ...step, resumeFrom, run });
    return { out, path: box.read("resume").trimEnd() };
  };
  assert.equal((await found("net-*", "1")).path, join(box.workspace, "checkpoints/net-a"));
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a shell's
  const command = '$(test "${PWD##*/}" = repo && echo "$CHECKPOINT_DIR/$WHICH")';
  assert.equal((await found(command, "2")).path, `${box.workspace}/checkpoints/net a'`);
  for (const empty of ["$(exit 3)", "$(true)"]) {
    const { out, path } = await found(empty, empty);
    assert.equal(path, "none");
    assert.match(out, /^training: RESUME_FROM is unset: resumeFrom's command has failed, or named nothing: /m);
  }
  const same = await found("net-*", "$(true)");
  assert.match(same.out, /has ended with exit code 0/);
});

test("the hash is of what training is, not of what surrounds it", () => {
  const training = {
    commit: "a",
    command: "b",
    run: "",
    env: { A: "1", B: "2" },
    gpus: 1,
    checkpointsDir: "/c",
    wandbProject: "",
  };
  const hash = trainingHash(training);
  assert.equal(trainingHash({ ...training, env: { B: "2", A: "1" } }), hash);
  for (const change of [
    { commit: "x" },
    { command: "x" },
    { run: "x" },
    { env: { A: "1" } },
    { checkpointsDir: "/x" },
  ]) {
    assert.notEqual(trainingHash({ ...training, ...change }), hash, JSON.stringify(change));
  }
});

test("the time to the first line is that of the first start on the machine, also when it is asked for again", async (t) => {
  const box = openBox(t);
  const step = stepOf(box, LOOP);
  const said = async (more: Partial<TrainStep>) =>
    /^training: first line (\d+) ms after the first login$/m.exec(
      (await box.run(trainScript({ ...step, ...more }))).out,
    )?.[1];
  const first = await said({});
  assert.ok(first !== undefined && Number(first) > 0, first);
  assert.deepEqual([await said({}), await said({ run: "2" })], [first, first]);
});
