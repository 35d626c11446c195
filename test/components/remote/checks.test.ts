import assert from "node:assert/strict";
import { existsSync, lstatSync, mkdirSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { stopScript, type TrainStep, trainScript } from "../../../components/remote/scripts.ts";
import { ENDS, GUARD, openBox, TRAINING } from "./box.ts";

function openChecks(t: TestContext) {
  const box = openBox(t);
  const code = join(box.workspace, "repo");
  mkdirSync(code);
  const checkpointsDir = join(box.workspace, "checkpoints");
  const own = { workspace: box.workspace, repo: "https://example.org/me/repo", checkpointsDir };
  const step = (more: Partial<TrainStep>) => trainScript({ ...GUARD, ...TRAINING, ...own, ...more });
  return { box, code, step, start: (more: Partial<TrainStep>) => box.run(`${ENDS}\n${step(more)}`) };
}

const LOOP = 'trap "exit 0" TERM; echo ready; while :; do sleep 0.05; done';

test("a link takes the place of another link, also of one that leads nowhere, and makes the folders above it", async (t) => {
  const { box, code, start } = openChecks(t);
  const target = join(box.workspace, "reference/datasets");
  box.write(join(target, "corpus.txt"), "text");
  symlinkSync("/nowhere/datasets", join(code, "datasets"));
  const links = { [target]: "datasets", [join(box.workspace, "reference")]: "a/b/reference" };
  const result = await start({ links, command: "cat datasets/corpus.txt a/b/reference/datasets/corpus.txt" });
  assert.equal(result.code, 0, result.err);
  assert.match(box.read("train.log"), /^texttext/m);
  assert.equal(readlinkSync(join(code, "datasets")), target);
});

test("a real directory or file in a link's place is an error that names it, and stays", async (t) => {
  const { box, code, start } = openChecks(t);
  box.write(join(code, "datasets/x"), "real");
  box.write(join(code, "file"), "real");
  for (const [place, kind] of [
    ["datasets", "directory"],
    ["file", "file"],
  ] as const) {
    const result = await start({ links: { [box.home]: place } });
    assert.notEqual(result.code, 0);
    assert.ok(result.err.includes(`${join(code, place)} is no link but a real ${kind}`), result.err);
    assert.match(result.err, /kept and costs \$2\.400\/h.*pulumi destroy -s local/s);
    assert.equal(lstatSync(join(code, place)).isSymbolicLink(), false);
  }
  assert.equal(existsSync(join(code, "datasets/x")), true);
  assert.equal(box.read("train.log").includes("exit code"), false, "training was not started");
});

test("a link may lead to what set-up makes, and to nothing else that is not there", async (t) => {
  const { box, start } = openChecks(t);
  const target = join(box.workspace, "made");
  const links = { [target]: "made" };
  const refused = await start({ links });
  assert.match(refused.err, /links: .*\/made is not on the machine, so made cannot lead to it/);
  const result = await start({ links, setup: [`mkdir ${target}`], command: "test -d made" });
  assert.equal(result.code, 0, result.err);
});

test("set-up comes before preflight, both in the code's folder with what training gets", async (t) => {
  const { box, code, start } = openChecks(t);
  box.write(join(box.workspace, ".env"), "export TOKEN='from env file'\n");
  box.write(join(box.workspace, "venvs/repo/bin/tool"), "#!/bin/sh\necho tool of the venv\n");
  const setup = ["chmod +x ../venvs/repo/bin/tool", 'echo "$A, $TOKEN, $NUM_GPUS, $(pwd)" >made'];
  const preflight = ["[ -s made ]", "tool | grep -q venv"];
  const result = await start({ setup, preflight, env: { A: "it's a" }, command: "cat made" });
  assert.equal(result.code, 0, result.err);
  assert.ok(box.read("train.log").includes(`it's a, from env file, 2, ${code}`), box.read("train.log"));
});

test("every preflight that fails is shown with its output, but no token, and what the machine costs", async (t) => {
  const { box, start } = openChecks(t);
  box.write(join(box.workspace, ".env"), "export TOKEN='hf_abcdefgh'\n");
  const preflight = ['echo "first $TOKEN"; exit 3', "true", "echo third; false", "exit 4"];
  const result = await start({ preflight, command: "echo never" });
  assert.notEqual(result.code, 0);
  for (const words of [
    /exit code 3: echo/,
    /^first \[secret\]$/m,
    /exit code 1: echo third/,
    /^third$/m,
    /exit code 4: exit 4\nIt has printed nothing/,
  ])
    assert.match(result.err, words);
  assert.match(result.err, /not all of preflight has passed\.\nThe machine is kept and costs/);
  assert.match(result.err, /this machine asks Vast to stop it/);
  assert.doesNotMatch(result.err + result.out, /hf_abcdefgh|exit code 0/);
  assert.equal(box.read("train.log").includes("never"), false);
  assert.equal(existsSync(join(box.workspace, ".vast-training/hold")), false, "the guard need not wait");
});

test("a set-up that fails is the last, and runs again when it is mended", async (t) => {
  const { box, start } = openChecks(t);
  const first = await start({ setup: ["echo half >>did; exit 7", "echo other >>did"] });
  assert.match(first.err, /setup: exit code 7.*setup has failed/s);
  const second = await start({ setup: ["echo whole >>did", "echo other >>did"], command: "cat did" });
  assert.equal(second.code, 0, second.err);
  assert.match(box.read("train.log"), /^half\nwhole\nother$/m);
});

test("a training that runs is left alone whatever becomes of set-up, links and preflight, and says so", async (t) => {
  const { box, code, step, start } = openChecks(t);
  const same = { command: LOOP, setup: ["echo 1 >>did"] };
  assert.equal((await box.run(step(same))).code, 0);
  const pid = box.read(".vast-training/train.pid");
  assert.doesNotMatch((await start(same)).out, /others than at its start/);
  const other = await start({ ...same, setup: ["echo 2 >>did"], links: { [box.home]: "home" }, preflight: ["false"] });
  assert.equal(other.code, 0, other.err);
  assert.match(other.out, /runs already.*others than at its start/s);
  assert.equal(box.read(".vast-training/train.pid"), pid);
  assert.deepEqual([box.read("repo/did"), existsSync(join(code, "home"))], ["1\n", false]);
});

test("what was asked to stop while set-up runs is not started", async (t) => {
  const { box, start } = openChecks(t);
  const go = join(box.root, "go");
  const begun = join(box.root, "begun");
  const starting = start({ setup: [`touch ${begun}; until [ -e ${go} ]; do sleep 0.05; done`], command: "echo never" });
  while (!existsSync(begun)) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal((await box.run(stopScript({ workspace: box.workspace, stopGraceSeconds: 1 }))).code, 0);
  writeFileSync(go, "");
  assert.match((await starting).err, /asked to stop meanwhile/);
  assert.equal(box.read("train.log").includes("never"), false);
});
