import assert from "node:assert/strict";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openStateDir } from "../../../../components/lib/state-dir.ts";
import { stateOf } from "../../../../components/programs/process.ts";
import { type Intent, Journal } from "../../../../components/vast/journal/journal.ts";
import { startCommand } from "../../../../scripts/lib/command.ts";
import { isAll } from "../../../support/all.ts";
import { openProgram, type Program } from "../../../support/program.ts";

/** test/kills plays these at every call, and a sample of them in each run. */
const isLong = isAll ? false : "two minutes of waiting: only in npm run test:all";
const isEnumerated = !isAll;

const pause = () => new Promise((resolve) => setTimeout(resolve, 50));

function journalOf({ home }: Pick<Program, "home">): Journal {
  return new Journal(openStateDir({ VAST_TRAINING_HOME: home }).journalDir);
}

/** The intent of the rental that is under way, once its instance is known. */
async function rentalUnderWay({ home }: Program): Promise<Intent> {
  for (;;) {
    const [intent] = journalOf({ home }).listOpen();
    if (intent?.instanceIds.length === 1) return intent;
    await pause();
  }
}

/** An `up` whose provider is killed once it has rented, and before the machine is ready; first something happens to that. */
async function killedAfterRental(program: Program, happens: (intent: Intent) => Promise<void> = async () => {}) {
  const letGo = await program.holdLists();
  const running = program.start("up", ["--skip-preview"]);
  const intent = await rentalUnderWay(program);
  await happens(intent);
  process.kill(intent.pid, "SIGKILL");
  const up = await running.result;
  await letGo();
  return { intent, up };
}

async function contracts({ simulator }: Program) {
  const { contracts, living } = await simulator.ledger();
  return { made: contracts.length, living };
}

function commandLine(pid: number | string): string[] {
  return readFileSync(`/proc/${pid}/cmdline`, "utf8")
    .split("\0")
    .filter((word) => word !== "");
}

/** Pulumi's language host outlives the command as well, and nobody ends it. */
function endLanguageHost(engine: string): void {
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      if (commandLine(pid).join(" ").endsWith(`pulumi-language-nodejs ${engine}`)) process.kill(Number(pid));
    } catch {
      // It has ended meanwhile.
    }
  }
}

test("the command is killed while its machine comes up: the machine is released, and nothing more rented", {
  skip: !existsSync("/proc/self/cmdline"),
}, async (t) => {
  const program = await openProgram(t);
  await program.simulator.post("/_sim/faults", { on: "boot", do: "stuckLoading", times: 0 });
  const up = program.start("up", ["--skip-preview"]);
  const intent = await rentalUnderWay(program);
  const engine = commandLine(intent.pid).at(-1) ?? "";
  up.signal("SIGKILL");
  await up.result;
  // Nobody waits for the provider any more: it releases what it has begun, and ends.
  while (stateOf(intent) === "running") await pause();
  assert.deepEqual(await contracts(program), { made: 1, living: 0 });
  assert.deepEqual(journalOf(program).listOpen(), []);
  endLanguageHost(engine);
  await program.works("cancel", ["--yes"]);
  await program.works("destroy");
  assert.deepEqual(await contracts(program), { made: 1, living: 0 });
});

test("the provider is killed after its rental: the next up takes that machine over", {
  skip: isEnumerated,
}, async (t) => {
  const program = await openProgram(t);
  const { intent, up } = await killedAfterRental(program);
  assert.notEqual(up.code, 0);
  assert.deepEqual(await contracts(program), { made: 1, living: 1 });
  const previewed = new RegExp(
    `instance ${intent.instanceIds[0]} of an earlier run is taken over: 1x .*, \\$[\\d.]+/h`,
  );
  assert.match(await program.works("preview"), previewed);
  assert.match(await program.works("up", ["--skip-preview"]), /of an earlier run is taken over/);
  assert.equal((await program.outputs()).instanceId, String(intent.instanceIds[0]));
  assert.equal((await program.outputs()).label, intent.label);
  await program.works("destroy");
  assert.deepEqual(await contracts(program), { made: 1, living: 0 });
});

test("the provider is killed after its rental: a destroy alone ends it", { skip: isEnumerated }, async (t) => {
  const program = await openProgram(t);
  await killedAfterRental(program);
  await program.works("destroy");
  assert.deepEqual(await contracts(program), { made: 1, living: 0 });
  assert.deepEqual(readdirSync(join(program.home, "journal")), []);
});

/** As in Vast's console. */
async function relabel({ simulator }: Program, id: number | undefined, label: string): Promise<void> {
  const answer = await fetch(`${simulator.url}/api/v0/instances/${id}/`, {
    method: "PUT",
    headers: { authorization: `Bearer ${simulator.apiKey}`, "content-type": "application/json" },
    body: JSON.stringify({ label }),
  });
  assert.equal(answer.status, 200);
}

test("its label is changed in the console while it comes up, and the provider is killed: a destroy ends it, an up keeps it", {
  skip: !isAll,
}, async (t) => {
  const program = await openProgram(t);
  const renamed = (intent: Intent) => relabel(program, intent.instanceIds[0], "my jupyter");
  await killedAfterRental(program, renamed);
  assert.match(await program.works("up", ["--skip-preview"]), /of an earlier run is taken over/);
  assert.deepEqual(await contracts(program), { made: 1, living: 1 });
  await program.works("destroy");
  assert.deepEqual(await contracts(program), { made: 1, living: 0 });

  await killedAfterRental(program, renamed);
  await program.works("destroy");
  assert.deepEqual(await contracts(program), { made: 2, living: 0 });
});

test("killed on one login node, and destroyed on another before the list shows the machine: it is waited for, and kept until it is given up", {
  skip: isLong,
}, async (t) => {
  const program = await openProgram(t);
  await program.simulator.post("/_sim/faults", { on: "boot", do: "listLag", seconds: 14 });
  await killedAfterRental(program);
  const home = mkdtempSync(join(tmpdir(), "vast-other-node-"));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  cpSync(join(program.home, "simulator", "runtime.json"), join(home, "simulator", "runtime.json"));
  const words = ["destroy", "-s", "dev", "--yes", "--skip-preview", "--non-interactive"];
  const env = { ...program.env, VAST_TRAINING_HOME: home };
  const run = (more = {}) => startCommand("pulumi", words, { cwd: program.dir, env: { ...env, ...more } }).result;
  const { code, stdout, stderr } = await run();
  // Its key opens nothing there, so nobody can say that no training ran on it.
  assert.notEqual(code, 0);
  const kept = /instance (\d+) is kept, because nobody can see[\s\S]* stopped, and its disk goes on costing/;
  assert.match(stdout + stderr, kept);
  const [, id] = kept.exec(stdout + stderr) ?? [];
  const ended = await run({ VAST_DISCARD_CHECKPOINTS: id });
  assert.equal(ended.code, 0, ended.stdout + ended.stderr);
  assert.deepEqual(await contracts(program), { made: 1, living: 0 });
});
