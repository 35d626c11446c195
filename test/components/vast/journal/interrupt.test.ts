import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { openStateDir } from "../../../../components/lib/state-dir.ts";
import { leaveWord } from "../../../../components/vast/journal/interrupt.ts";
import { type Intent, Journal, type Wish } from "../../../../components/vast/journal/journal.ts";
import { type RunningCommand, startCommand } from "../../../../scripts/lib/command.ts";
import { isAll } from "../../../support/all.ts";
import { filesBelow } from "../../../support/files-below.ts";
import { openProgram, type Program } from "../../../support/program.ts";
import { runInPty } from "../../../support/pty.ts";

const vastRun = join(import.meta.dirname, "..", "..", "..", "..", "cli", "vast-run");
const UP = ["up", "--skip-preview", "--yes", "-s", "dev"];

function openIntents({ home }: Program): Intent[] {
  return new Journal(openStateDir({ VAST_TRAINING_HOME: home }).journalDir).listOpen();
}

/** What says that the first ^C was heard, as far as a narrow table has room for it. */
const HEARD = /\^C: instance \d+ /;

/** `up` in a terminal, with ^C as soon as it has rented. Its machine gets ready when one was heard, unless two are typed. */
async function interruptedUp(program: Program, times: number) {
  const { dir, env } = program;
  const letGo = await program.holdLists();
  const keys = { seen: /rented offer/, keys: "\x03", times };
  let goes: Promise<void> | undefined;
  const onScreen = (screen: string) => {
    if (times === 1 && HEARD.test(flat(screen))) goes ??= letGo();
  };
  const ended = await runInPty("pulumi", UP, { cwd: dir, env: { ...env, ARGS: "{}" }, ...keys, onScreen });
  await (goes ?? letGo());
  return ended;
}

/** A text without its lines. */
const flat = (text: string) => text.replace(/\s+/g, " ");

async function isLocked({ env }: Program): Promise<boolean> {
  const locks = join(new URL(env.PULUMI_BACKEND_URL ?? "").pathname, ".pulumi", "locks");
  return filesBelow(locks).some((name) => name.endsWith(".json"));
}

/** Interrupted once: the machine is in the state, nothing is left open, and the next up goes on from there. */
async function isRecorded(program: Program): Promise<void> {
  assert.equal(await isLocked(program), false);
  assert.match(await program.state(), /"phase": "ready"/);
  assert.deepEqual(
    openIntents(program).filter(({ left }) => left !== undefined),
    [],
  );
  assert.match(await program.works("up", ["--skip-preview"]), /\+ 1 created/);
  assert.deepEqual(openIntents(program), []);
  await program.works("destroy");
}

/** Interrupted twice: what is left is said and written down, recover shows it, and the next up takes it over. */
async function isTakenOver(program: Program, shown: string): Promise<void> {
  const [intent, ...others] = openIntents(program);
  assert.deepEqual(others, []);
  const { label, instanceIds: [instanceId] = [], left = "" } = intent ?? {};
  assert.ok(left.startsWith(`instance ${instanceId} (${label}) is still there and costs up to $`), left);
  assert.ok(left.endsWith(`; this ends it: pulumi destroy -s dev, or vastai destroy instance ${instanceId}`), left);
  assert.ok(shown.includes(`interrupted: instance ${instanceId}`), shown);
  assert.equal(await isLocked(program), false);
  const { code, stdout } = await startCommand(vastRun, ["recover", "-s", "dev"], { cwd: program.dir, env: program.env })
    .result;
  assert.equal(code, 3, stdout);
  assert.ok(stdout.includes(`its process was interrupted and said: ${left}`), stdout);
  assert.match(await program.works("up", ["--skip-preview"]), /of an earlier run is taken over/);
  assert.deepEqual(openIntents(program), []);
  await program.works("destroy");
}

test("two ^C at a terminal: what is left is said, and noted for later", { skip: !isAll }, async (t) => {
  const program = await openProgram(t, "vast-training");
  const { code, screen } = await interruptedUp(program, 2);
  assert.notEqual(code, 0);
  await isTakenOver(program, flat(screen));
});

test("one ^C at a terminal: the machine comes up and is recorded", { skip: !isAll }, async (t) => {
  const program = await openProgram(t);
  const { code, screen } = await interruptedUp(program, 1);
  assert.notEqual(code, 0, screen);
  // The table itself has no room for that.
  assert.match(screen, /: \d\/6 [^\n]*, \d+ s; kept when ready; \^C again leaves it/);
  assert.match(flat(screen), /\^C: instance \d+ is waited for until it is ready, and kept; a second \^C/);
  await isRecorded(program);
});

/**
 * `up` in a script, whose process group gets SIGINT as soon as it has rented, and the second one when the first was heard;
 * what it printed. Its machine gets ready only after that.
 */
async function interruptedScript(program: Program, times: 1 | 2): Promise<string> {
  const letGo = await program.holdLists();
  const { promise: heard, resolve } = Promise.withResolvers<void>();
  const up = program.start("up", ["--skip-preview"], {}, (line) => {
    if (HEARD.test(line)) resolve();
  });
  const early = up.result.then(({ stdout, stderr }) => assert.fail(stdout + stderr));
  early.catch(() => {});
  while ((openIntents(program)[0]?.instanceIds ?? []).length === 0) await Promise.race([sleep(50), early]);
  process.kill(-up.pid, "SIGINT");
  await Promise.race([heard, early]);
  if (times === 2) process.kill(-up.pid, "SIGINT");
  else await letGo();
  const shown = await printedBy(up);
  if (times === 2) await letGo();
  return shown;
}

/** What a command prints that fails. */
async function printedBy({ result }: RunningCommand): Promise<string> {
  const { code, stdout, stderr } = await result;
  assert.notEqual(code, 0, stdout);
  return stdout + stderr;
}

/** SIGINT to the command's process group, and again each second until it has ended; what it printed. */
async function interrupted(command: RunningCommand, times: number): Promise<string> {
  let ended = false;
  const result = command.result.finally(() => {
    ended = true;
  });
  for (let sent = 0; sent < times && !ended; sent++) {
    process.kill(-command.pid, "SIGINT");
    await Promise.race([result, sleep(1000)]);
  }
  return printedBy(command);
}

test("one SIGINT to a script: the machine comes up and is recorded", { skip: !isAll }, async (t) => {
  const program = await openProgram(t);
  await interruptedScript(program, 1);
  await isRecorded(program);
});

test("two SIGINTs to a script: what is left is said, and noted for later", { skip: !isAll }, async (t) => {
  const program = await openProgram(t, "vast-training");
  await isTakenOver(program, await interruptedScript(program, 2));
});

test("two SIGINTs to a destroy that releases: what still bills is said", { skip: !isAll }, async (t) => {
  const program = await openProgram(t);
  await program.works("up", ["--skip-preview"]);
  const { instanceId } = await program.outputs();
  await program.simulator.post("/_sim/faults", { on: "DELETE /instances/{id}/", do: "hold" });
  const destroy = program.start("destroy");
  await program.simulator.get("/_sim/held"); // answers when it holds something
  const shown = await interrupted(destroy, 2);
  assert.match(
    shown,
    new RegExp(`interrupted: instance ${instanceId} .* this ends it: vastai destroy instance ${instanceId}`),
  );
  await fetch(`${program.simulator.url}/_sim/held`, { method: "DELETE" });
  await program.works("destroy");
});

function journal(t: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), "vast-journal-test-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return { dir, journal: new Journal(dir) };
}

const wish: Wish = { label: "vt-a", urn: "urn:x", apiUrl: "simulator", apiKeyFile: "", offerId: 7, at: 1000 };

test("an interrupted process leaves its last words, until the intent is another's", (t) => {
  const { journal: ours } = journal(t);
  const words: string[] = [];
  ours.open({ ...wish, urn: "urn:pulumi:dev::p::t::n", perHour: 2 });
  leaveWord(ours, (text) => words.push(text));
  assert.match(words[0] ?? "", /a machine rented as vt-a may be there and costs up to \$2\.000\/h/);
  ours.note("vt-a", 123);
  assert.equal(ours.find("vt-a")?.left, undefined);
  leaveWord(ours, (text) => words.push(text));
  const left = ours.find("vt-a")?.left;
  assert.equal(
    words[1],
    `interrupted: ${left}; where Pulumi says that the stack is locked, first: vast-run recover -s dev`,
  );
  assert.match(left ?? "", /^instance 123 \(vt-a\) is still there and costs up to \$2\.000\/h; this ends it: /);
  assert.match(left ?? "", /pulumi destroy -s dev, or vastai destroy instance 123$/);
});

test("nobody speaks for another process", (t) => {
  const { dir, journal: ours } = journal(t);
  ours.open(wish);
  const file = join(dir, "vt-a.json");
  writeFileSync(file, readFileSync(file, "utf8").replace(/"startedAt": "[^"]*"/, '"startedAt": "before"'));
  leaveWord(ours, (text) => assert.fail(text));
  assert.equal(ours.find("vt-a")?.left, undefined);
});
