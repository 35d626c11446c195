import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import {
  ONSTART,
  standingScript,
  stopScript,
  type TrainStep,
  trainingHash,
  WORKSPACE,
} from "../../../components/remote/scripts.ts";
import { startTime } from "../../../scripts/lib/alive.ts";
import { notAll } from "../../support/all.ts";
import { needsProcessLimit, openProcessLimit } from "../../support/process-limit.ts";
import { needsRoot } from "../../support/sshd.ts";
import { carriersOf, killNow, until, watchersOf } from "./box.ts";
import { LOOP, openScene, type Scene } from "./scene.ts";

/** A training that needs no process more, whatever becomes of the others. */
const STAYS = "echo ready; exec sleep 1000";

/** A machine that trains, with a guard and a watcher that are there. */
async function training(t: TestContext, more: Partial<TrainStep> = {}, enter = "", disk?: string): Promise<Watched> {
  const scene = await openScene(t, [], { command: STAYS, ...more }, disk);
  const watched = watchedOf(scene);
  const { code, err } = await scene.train({}, enter);
  assert.equal(code, 0, err);
  await watched.settled();
  return watched;
}

interface Watched extends Scene {
  pid(who: "guard" | "watcher" | "train"): number;
  /** Resolves when a guard and a watcher live and nobody else of their kind does. */
  settled(): Promise<void>;
  /** Resolves when `found` does, which may take bash's patience with a fork that fails, several times. */
  seen(found: () => boolean): Promise<void>;
  guardLog(): string;
}

function watchedOf(scene: Scene): Watched {
  const { box } = scene;
  const pid = (who: string) => Number(box.read(`.vast-training/${who}.pid`).split(" ")[0]);
  const guardLog = () => box.read("logs/guard.log");
  const seen = (found: () => boolean) => until(found, () => `${guardLog()}\n${box.read("train.log")}`, 2400);
  const settled = () =>
    seen(() => {
      const live = watchersOf(box.workspace).sort().join();
      return live === [pid("guard"), pid("watcher")].sort().join() && live === watchersOf(box.workspace).sort().join();
    });
  return { ...scene, pid, guardLog, seen, settled };
}

/** Kills all of these at once: none of them can start another in between. */
function killAtOnce(...pids: number[]): void {
  for (const pid of pids) process.kill(pid, "SIGSTOP");
  for (const pid of pids) killNow(pid);
}

test("guard, wrapper and tmux killed at once: the machine is stopped all the same", async (t) => {
  const { box, vast, pid, logged } = await training(t);
  const tmux = Number((await box.run("tmux display-message -p '#{pid}'")).out);
  killAtOnce(pid("guard"), pid("train"), tmux);
  for (const left of carriersOf(box.read(".vast-training/train.id").trim())) killNow(left);
  await vast.asked(1);
  await logged(/No training runs on this machine/);
});

test("each looks after the other, whoever is killed, and a watcher too many leaves", async (t) => {
  const { box, pid, settled } = await training(t);
  for (const who of ["watcher", "guard", "watcher"] as const) {
    const before = pid(who);
    killNow(before);
    await settled();
    assert.notEqual(pid(who), before);
  }
  const start = `cd ${box.workspace}/.vast-training; for i in 1 2 3; do setsid bash -s watcher <guard.sh >/dev/null 2>&1 & done`;
  await box.run(start);
  await box.run(start.replaceAll("watcher", "guard"));
  await settled();
});

test("neither hears a signal that can be left unheard, and one that was halted goes on", async (t) => {
  const { pid, settled, watched } = await training(t);
  const before = [pid("guard"), pid("watcher")] as const;
  for (const signal of ["SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGPIPE"] as const)
    for (const one of before) process.kill(one, signal);
  await watched(1);
  process.kill(before[0], "SIGSTOP");
  await watched(1);
  await settled();
  assert.deepEqual([pid("guard"), pid("watcher")], before);
  for (const one of before)
    assert.match(readFileSync(`/proc/${one}/cmdline`, "utf8"), /^bash\0-s\0\w+\0$/, "nor begins anew");
});

test("who kills by name or by arguments finds one of them at most, and the kernel takes them last", async (t) => {
  const { pid, seen } = await training(t, {}, "echo 500 >/proc/$$/oom_score_adj");
  const of = (who: "guard" | "watcher", file: string) => readFileSync(`/proc/${pid(who)}/${file}`, "utf8");
  for (const who of ["guard", "watcher"] as const) {
    assert.doesNotMatch(of(who, "cmdline"), /train|workspace/);
    // It takes that name a moment after it has noted its pid.
    await seen(() => of(who, "comm") === `${who}\n`);
  }
  assert.doesNotMatch(of("watcher", "cmdline"), /guard/);
  // Lowered again as far as anybody may lower it; further where the kernel lets us.
  for (const who of ["guard", "watcher"] as const) assert.ok(Number(of(who, "oom_score_adj")) <= 0);
});

test("neither is training: it is stopped, and they are not signalled, and hold nothing of whoever started them", async (t) => {
  const { box, step, pid, settled, seen } = await training(t);
  const before = [pid("guard"), pid("watcher")];
  assert.match((await box.run(stopScript(step))).out, /has stopped/);
  await settled();
  assert.deepEqual([pid("guard"), pid("watcher")], before);
  for (const one of before) {
    const held = readdirSync(`/proc/${one}/fd`);
    // Not the lock of whoever has started them, nor the way by which that was told more.
    assert.ok(!held.includes("8") && !held.includes("9"), held.join());
    // For as long as a shell writes to a file itself, that is its standard output.
    await seen(() => readlinkSync(`/proc/${one}/fd/1`) === join(box.workspace, "logs/guard.log"));
  }
});

test("killed together they come back with the next step", async (t) => {
  const { box, vast, step, pid, settled, seen } = await training(t);
  killAtOnce(pid("guard"), pid("watcher"), pid("train"));
  for (const left of carriersOf(box.read(".vast-training/train.id").trim())) killNow(left);
  // Of what they had begun, nothing is left either; and a step begins them only where the machine is not just starting.
  const age = () => Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]) - Number(startTime(1)) / 100;
  await seen(() => watchersOf(box.workspace).length === 0 && age() > 121);
  await box.run(standingScript(step));
  await settled();
  await vast.asked(1);
});

test("onstart begins them, also where nothing but the watcher is begun", async (t) => {
  const { box, powerOff, settled, seen, pid } = await training(t, { command: LOOP });
  const onstart = `${ONSTART.replaceAll(WORKSPACE, box.workspace)}\n`;
  powerOff();
  await box.run(onstart);
  await settled();
  await seen(() => pid("train") !== 0);
  powerOff();
  // What goes on with training does not come to its end.
  rmSync(join(box.workspace, ".vast-training/lock"));
  box.write(join(box.workspace, ".vast-training/train.sh"), "exit 1\n");
  await box.run(onstart);
  await settled();
});

test("on a disk that is full another guard takes over and counts on", needsRoot, async (t) => {
  const { box, pid, settled, watched } = await training(t, {}, "", "1m");
  // What was written meanwhile, and taken away again, left room.
  await box.run(`for i in {1..20}; do cat /dev/zero >>${box.workspace}/fill; done 2>/dev/null`);
  const before = pid("guard");
  killNow(before);
  await settled();
  assert.notEqual(pid("guard"), before);
  await watched(1);
});

test("while /proc cannot be read nothing has ended", needsRoot, async (t) => {
  const scene = await openScene(t, [], { command: STAYS });
  const { pid, seen, watched } = watchedOf(scene);
  assert.equal((await scene.train({}, "exec unshare --mount bash -s")).code, 0);
  await watched(1);
  const guard = pid("guard");
  const inside = (command: string) => execFileSync("nsenter", ["-t", String(guard), "-m", "sh", "-c", command]);
  const rounds = () =>
    Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(readFileSync(`/proc/${guard}/status`, "utf8"))?.[1]);
  inside("mount -t tmpfs none /proc");
  const enough = rounds() + 20;
  await seen(() => rounds() >= enough);
  inside("umount /proc");
  await watched(1);
  assert.equal(pid("guard"), guard);
  assert.equal(scene.vast.puts.length, 0);
  assert.doesNotMatch(scene.box.read("train.log"), /No training runs|No command/);
});

test("where no process can be started both go on, and act as soon as one can", {
  skip: notAll,
  ...needsProcessLimit,
}, async (t) => {
  const limit = openProcessLimit(t);
  const { vast, pid, seen, guardLog, box } = await training(t, {}, limit.enter);
  assert.equal(limit.isShut(), false);
  limit.shut();
  assert.ok(limit.isShut(), "no process can be started");
  const failures = () => guardLog().match(/fork: Resource temporarily unavailable/g)?.length ?? 0;
  const before = [pid("guard"), pid("watcher")];
  for (const left of [pid("train"), ...carriersOf(box.read(".vast-training/train.id").trim())]) killNow(left);
  await seen(() => failures() >= 2);
  assert.deepEqual(watchersOf(box.workspace).sort(), [...before].sort(), "the guard goes on");
  killNow(pid("guard"));
  const soFar = failures();
  await seen(() => failures() >= soFar + 2);
  assert.deepEqual(watchersOf(box.workspace), [before[1]], "the watcher goes on");
  assert.equal(vast.puts.length, 0);
  limit.open();
  await vast.asked(1);
});

test("a training that leaves no room for a process is ended after maxHours, by signals alone", {
  skip: notAll,
  ...needsProcessLimit,
}, async (t) => {
  const limit = openProcessLimit(t);
  const deaf = "echo ready; trap '' TERM; exec sleep 1000";
  const { box, vast, step, seen, watched, logged } = await training(
    t,
    { command: deaf, maxHours: 1, stopGraceSeconds: 1 },
    limit.enter,
  );
  await watched(0);
  await seen(() => / own$/m.test(box.read(".vast-training/train.known")));
  limit.shut();
  assert.ok(limit.isShut(), "no process can be started");
  const id = box.read(".vast-training/train.id").trim();
  const hours = join(box.workspace, ".vast-training/train.hours");
  box.write(join(box.root, "over"), `${trainingHash(step)} 3600\n`);
  // Now its hours are over: the guard cannot note its own.
  execFileSync("mount", ["--bind", join(box.root, "over"), hours]);
  try {
    execFileSync("mount", ["-o", "remount,bind,ro", hours]);
    await seen(() => carriersOf(id).length === 0);
    assert.equal(box.read(".vast-training/train.stop"), "maxHours\n");
    assert.equal(vast.puts.length, 0);
    limit.open();
    await vast.asked(1);
  } finally {
    execFileSync("umount", ["--lazy", hours]);
  }
  await logged(/which is its maxHours[\s\S]*Vast has taken it/);
});
