import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { script } from "../../../components/remote/script.ts";
import { codeScript, standingScript, stopScript } from "../../../components/remote/scripts.ts";
import { startTime } from "../../../scripts/lib/alive.ts";
import { ENDS, makeRepository, until } from "./box.ts";
import { KEY, LOOP, openScene as open } from "./scene.ts";

test("when training has ended the log says what follows, and Vast is asked by the machine's own key", async (t) => {
  const { vast, train, logged } = await open(t);
  const { code, err } = await train({ command: "exit 0" });
  assert.equal(code, 0, err);
  await vast.asked(1);
  assert.deepEqual(vast.puts[0], {
    path: "/api/v0/instances/77/",
    authorization: `Bearer ${KEY}`,
    body: '{"state":"stopped"}',
  });
  const log = await logged(
    /Vast has taken it/,
    /exit code 0/,
    /In 0 seconds, at \d\d:\d\d:\d\d UTC/,
    /touch \S+\/keep/,
    /\$0\.021\/h/,
    /pulumi destroy -s local/,
  );
  assert.equal(log.includes(KEY), false);
});

test("a training that has failed is stopped for as well, and its step says why it failed", async (t) => {
  const { vast, train } = await open(t);
  const { code, err } = await train({ command: "echo broken; exit 3" }, ENDS);
  assert.equal(code, 1);
  assert.match(err, /broken/);
  await vast.asked(1);
});

test("a stop that Vast refuses is loud, and asked for again until Vast takes it", async (t) => {
  const refused: [number, string] = [401, '{"success": false, "error": "auth_error"}'];
  const { vast, train, logged } = await open(t, [
    refused,
    [200, '{"success": false}'],
    [500, "oops"],
    [200, '{"success": true}'],
  ]);
  await train({ command: "exit 0" });
  await vast.asked(4);
  const log = await logged(/Vast has taken it/);
  assert.equal(log.match(/VAST DOES NOT STOP THIS MACHINE/g)?.length, 3);
  assert.match(log, /auth_error[\s\S]*GOES ON COSTING \$2\.400\/h[\s\S]*pulumi destroy -s local/);
});

test("with keep the log only says what it costs; a file of that name keeps it, too, until the next start", async (t) => {
  const { box, vast, train, logged, boot, powerOff } = await open(t);
  await train({ command: "exit 0", afterTraining: "keep" });
  await logged(/is kept, as afterTraining says, and goes on costing \$2\.400\/h until: pulumi destroy/);
  box.write(join(box.workspace, ".vast-training/keep"), "");
  await train({ command: "exit 0" });
  await logged(/keep is there: the machine runs on/);
  assert.equal(vast.puts.length, 0);
  powerOff();
  await boot();
  await vast.asked(1);
});

test("a training that is started again in time calls the stop off", async (t) => {
  const { box, vast, train, logged, watched } = await open(t, [], { afterTrainingMinutes: 15 });
  await train({ command: "exit 0" });
  await logged(/In 15 minutes/);
  const guard = Number(box.read(".vast-training/guard.pid").split(" ")[0]);
  assert.equal((await train({ command: LOOP, afterTrainingMinutes: 0 })).code, 0);
  await logged(/from none/);
  await until(
    () => startTime(guard) === undefined,
    () => "the guard that counts the time to the stop lives on",
  );
  await watched(1);
  assert.equal(vast.puts.length, 0);
});

test("a training whose tmux was killed has ended", async (t) => {
  const { box, vast, train, logged } = await open(t);
  await train();
  const pid = box.read(".vast-training/train.pid").split(" ")[0];
  await box.run(`kill -KILL -- -${pid}`);
  await vast.asked(1);
  await logged(/No training runs on this machine/);
});

test("while something that the command has left runs, training does, and the machine is not stopped", async (t) => {
  const { box, vast, train, logged, watched } = await open(t);
  const go = join(box.workspace, "go");
  await train({ command: `nohup bash -c 'until [ -e ${go} ]; do sleep 0.05; done' >/dev/null 2>&1 & exit 0` });
  await logged(/exit code 0 and left \d+ process/);
  await watched(1);
  assert.equal(vast.puts.length, 0);
  box.write(go, "");
  await vast.asked(1);
  await logged(/Vast has taken it/, /and left [\s\S]*Training has ended with exit code 0/);
});

test("what outlives the shell of training is training: the log says so, and it is not started beside it", async (t) => {
  const { box, vast, train, logged, boot, watched } = await open(t);
  const go = join(box.workspace, "go");
  await train({ command: `setsid bash -c 'echo ready; until [ -e ${go} ]; do sleep 0.05; done' & sleep 1000` });
  await box.run(`kill -KILL -- -${box.read(".vast-training/train.pid").split(" ")[0]}`);
  await logged(/No command of training runs, but \d+ process/);
  await boot();
  await watched(1);
  assert.equal(vast.puts.length, 0);
  box.write(go, "");
  await vast.asked(1);
  assert.doesNotMatch(box.read("train.log"), /training with it/);
});

/** What a command leaves, and that what it has left says when it is over its maxHours. */
const LEFT: [what: string, script: string, stopGraceSeconds: number, said: RegExp][] = [
  ["saves", 'trap "echo saved; exit 0" TERM; echo ready; while :; do sleep 0.05; done', 60, /maxHours[\s\S]*saved/],
  ["never ends and does not keep the machine", "trap '' TERM; echo ready; sleep 1000; exit", 1, /1 s and was killed/],
];

for (const [what, script, stopGraceSeconds, said] of LEFT)
  test(`after maxHours what the command has left ${what}`, async (t) => {
    const { box, vast, train, logged } = await open(t, [], { stopGraceSeconds });
    box.write(join(box.workspace, "repo/left.sh"), script);
    const command = "setsid bash left.sh & exit 0";
    await train({ command });
    await logged(/ready/);
    // Only now: at its start, training must have hours left, and what it starts must have time to begin.
    assert.match((await train({ command, maxHours: 0 })).out, /runs already/);
    await vast.asked(1);
    await logged(/Vast has taken it/, /which is its maxHours/, said);
  });

test("what has lost its environment and its parent is training all the same", async (t) => {
  const { box, vast, step, train, watched } = await open(t);
  const go = join(box.workspace, "go");
  const orphan = join(box.workspace, "orphan");
  box.write(
    join(box.workspace, "repo/orphan.sh"),
    `trap "echo saved >${orphan}; exit" TERM; echo $$ >${orphan}; while :; do sleep 0.05; done`,
  );
  await train({
    command: `setsid env -i PATH="$PATH" bash orphan.sh & echo ready; until [ -e ${go} ]; do sleep 0.05; done`,
  });
  await until(
    () => /^\d+\n$/.test(box.read("orphan")),
    () => "the orphan does not begin",
  );
  const pid = box.read("orphan").trim();
  await until(
    () => box.read(".vast-training/train.known").includes(`\n${pid} `),
    () => box.read(".vast-training/train.known"),
  );
  box.write(go, "");
  await watched(1);
  assert.equal(vast.puts.length, 0);
  assert.match((await box.run(stopScript(step))).out, /has stopped/);
  assert.equal(box.read("orphan"), "saved\n");
});

test("after maxHours training saves and the machine stops; the hours count over all starts of the same training", async (t) => {
  const { box, vast, train, logged, watched, boot, powerOff } = await open(t, [], {
    maxHours: 2,
    afterTrainingMinutes: 60,
  });
  await train();
  await watched(0);
  powerOff();
  const hours = join(box.workspace, ".vast-training/train.hours");
  box.write(hours, readFileSync(hours, "utf8").replace(/ \d+$/m, " 7200"));
  assert.match((await train({ maxHours: 3 })).out, /training: started/);
  assert.match((await train()).out, /runs already/);
  await vast.asked(1);
  await logged(/Vast has taken it/, /which is its maxHours/, /saved/);
  assert.equal(box.read("train.exit"), "0\n");
  powerOff();
  await boot();
  await logged(/has used its maxHours/);
  const refused = await train();
  assert.equal(refused.code, 1);
  assert.match(refused.err, /maxHours; set a greater one, or a new run/);
  assert.doesNotMatch((await train({ run: "new" })).err, /not started/, "another training has hours of its own");
});

test("a machine that comes back goes on with a training that was cut short, from its newest checkpoint", async (t) => {
  const { box, train, logged, boot, powerOff } = await open(t, [], { env: { A: "it's" } });
  await train();
  box.write(join(box.workspace, "checkpoints/step_20"), "x");
  powerOff();
  assert.equal(box.read("train.exit"), "");
  const { code, err } = await boot();
  assert.equal(code, 0, err);
  await logged(/started again, and training with it\.\n.*RESUME_FROM is \S+step_20\nfrom \S+step_20\n/);
  const pid = box.read(".vast-training/train.pid");
  await boot();
  assert.equal(box.read(".vast-training/train.pid"), pid, "by hand it changes nothing");
  assert.match((await train()).out, /runs already/);
});

for (const [what, command] of [
  ["has ended well", "exit 0"],
  ["has failed by itself", "sleep 2.5; exit 3"],
] as const)
  test(`a training that ${what} is not started again, and the stop applies again`, async (t) => {
    const { box, vast, train, logged, boot, powerOff } = await open(t);
    await train({ command });
    await vast.asked(1);
    powerOff();
    const before = box.read("train.exit");
    const asked = vast.puts.length;
    await boot();
    await vast.asked(asked + 1);
    await logged(/No training runs on this machine/);
    assert.equal(box.read("train.exit"), before);
  });

test("a signal to everything, as of a machine that goes down, is no end of training", async (t) => {
  const { box, train, logged, boot, powerOff } = await open(t);
  await train();
  await logged(/from none/); // it listens: between its fork and its first words a signal is lost
  const pid = box.read(".vast-training/train.pid").split(" ")[0];
  // tmux may reap it late.
  const lives = `grep -qsE "^State:\\s[^ZX]" /proc/${pid}/status`;
  await box.run(`kill -TERM -- -${pid}; while ${lives}; do sleep 0.02; done`);
  await logged(/saved\n.*cut short by a signal/);
  assert.equal(box.read("train.exit"), "");
  powerOff();
  await boot();
  await logged(/training with it\.\nfrom none/);
});

test("what is asked to stop for its files stays so over a restart, until a step starts it, and is waited for", async (t) => {
  const { box, vast, step, train, logged, watched, boot, powerOff } = await open(t);
  await train();
  assert.match((await box.run(stopScript(step))).out, /training has stopped/);
  await watched(1);
  assert.equal(vast.puts.length, 0, "whoever asked is at work");
  assert.equal((await box.run(standingScript(step))).out, "open\n", "it has not done all it had to do");
  powerOff();
  await boot();
  assert.doesNotMatch(await logged(/asked to end, and has with exit code 0/), /training with it/);
  assert.match((await train()).out, /training: started/);
});

test("a machine started for its files stops itself although it is to be kept, when nobody ends it", async (t) => {
  const { box, vast, step, train } = await open(t, [], { afterTraining: "keep" });
  await train();
  await box.run(stopScript({ ...step, rescue: true }));
  box.write(join(box.workspace, ".vast-training/hold"), "1");
  await vast.asked(1);
});

test("the gate is told when nothing is written any more", async (t) => {
  const { box, step, train } = await open(t, [], { afterTrainingMinutes: 15 });
  assert.equal((await box.run(standingScript(step))).out, "open\n");
  await train();
  assert.equal((await box.run(standingScript(step))).out, "open\n");
  await train({ command: "exit 0" }, ENDS);
  assert.match((await box.run(standingScript(step))).out, /^final [0-9a-f]{64}\n$/);
});

test("while checkpoints are copied the machine is not stopped, though their folder is a link", async (t) => {
  const { box, vast, train, watched } = await open(t);
  for (const folder of ["disk", "bin"]) mkdirSync(join(box.root, folder));
  symlinkSync(join(box.root, "disk"), join(box.workspace, "checkpoints"));
  const rsync = join(box.root, "bin/rsync");
  copyFileSync("/bin/sleep", rsync);
  const copying = spawn(rsync, ["1000"], { cwd: join(box.root, "disk"), stdio: "ignore" });
  t.after(() => copying.kill("SIGKILL"));
  await train({ command: "exit 0" });
  await watched(2);
  assert.deepEqual(vast.puts, []);
  copying.kill("SIGKILL");
  await vast.asked(1);
});

test("when a first step fails, nothing trains and the machine stops all the same, after a while", async (t) => {
  const { box, vast, step, logged } = await open(t);
  const bare = join(box.root, "repo.git");
  const [commit = ""] = makeRepository(bare, "jan", { a: "1" });
  const code = await box.run(codeScript({ ...step, repo: `file://${bare}`, branch: "jan", commit }));
  assert.equal(code.code, 0, code.err);
  assert.equal(vast.puts.length, 0, "the next step may take long");
  box.write(join(box.workspace, ".vast-training/hold"), "1");
  await vast.asked(1);
  await logged(/No training runs/);
});

const TOOLS = ["cat", "date", "tr", "sed", "head", "tail", "grep", "bash", "mkdir", "env", "rm"];

for (const tool of ["curl", "wget", "python3"])
  test(`with ${tool} alone the key is in no list of arguments`, async (t) => {
    const { box, vast, step } = await open(t, [
      [200, '{"success": true}'],
      [404, '{"success": false, "msg": "no such thing"}'],
    ]);
    const bin = join(box.root, "bin");
    mkdirSync(bin);
    for (const name of TOOLS) symlinkSync((await box.run(`command -v ${name}`)).out.trim(), join(bin, name));
    const real = (await box.run(`command -v ${tool}`)).out.trim();
    box.write(
      join(bin, tool),
      `#!/bin/bash\nprintf '%s\\n' "$@" >>${box.root}/words\nPATH='${process.env.PATH}' exec ${real} "$@"\n`,
    );
    await box.run(`chmod +x ${bin}/${tool}`);
    const values = { WORKSPACE: box.workspace, FIRST_PROCESS: step.firstProcess ?? "", API: vast.url, PATH: bin };
    const ask = script(values, "common", "vast").replace(
      "\nexit 0\n",
      '\nset +e; stop_machine; echo "code $?"; why=$(stop_machine) || echo "$why"; exit 0\n',
    );
    const { out, err } = await box.run(ask);
    assert.match(out, /code 0/, err);
    assert.match(out, /404/);
    assert.match(out, /no such thing/);
    assert.equal(vast.puts.length, 2);
    assert.deepEqual(
      vast.puts.map(({ authorization, body }) => [authorization, body]),
      Array(2).fill([`Bearer ${KEY}`, '{"state":"stopped"}']),
    );
    assert.equal(readFileSync(join(box.root, "words"), "utf8").includes(KEY), false);
  });
