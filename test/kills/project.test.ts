import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { isAll } from "../support/all.ts";
import { filesBelow } from "../support/files-below.ts";
import { checkpointsIn, openProject, type Project } from "../support/project.ts";
import type { EndingName } from "./cases.ts";
import { needsTerminal, strike } from "./endings.ts";
import { kill, noneLeft, processesOf } from "./processes.ts";
import { openTerminal } from "./terminal.ts";

const isRoot = process.getuid?.() === 0 && process.platform === "linux";
const options = {
  skip: !isRoot ? "machines need root on Linux" : isAll ? false : "long: npm run test:all",
  timeout: 280_000,
};

/** Holds a call, as a fault of the simulator; or waits until Pulumi has begun to make or to delete a resource. */
type Moment = { readonly on: string; readonly do: string; readonly after?: number } | { readonly resource: string };

const QUIET_MS = 120_000;

/** Runs a command to a moment, ends it there, and waits until nothing of ours runs. */
async function pullThePlug(t: TestContext, project: Project, command: string, moment: Moment, ending: EndingName) {
  const [name, value] = ["KILLED", randomUUID()];
  const mark = `${name}=${value}`;
  const endAll = () =>
    kill(
      processesOf(mark).map(({ pid }) => pid),
      "SIGKILL",
    );
  t.after(endAll);
  if ("on" in moment) await project.simulator.post("/_sim/faults", moment);
  const words = [command, "-s", "local", "--yes", "--skip-preview"];
  const env = { ...project.env, [name]: value };
  const terminal = needsTerminal(ending) ? openTerminal("pulumi", words, project.dir, env) : undefined;
  const running = terminal ? undefined : project.start("pulumi", [...words, "--non-interactive"], { env });
  if ("on" in moment) await project.simulator.get("/_sim/held");
  else await underWay(project, moment.resource);
  const letGo = () => void fetch(`${project.simulator.url}/_sim/held`, { method: "DELETE" });
  await strike(ending, { mark, command: running, terminal, letGo });
  await noneLeft(mark, ({ role }) => role !== "language host", QUIET_MS);
  endAll();
}

/** Signals the trainer, not its shells. */
function signal(project: Project, name: "STOP" | "CONT"): Promise<string> {
  return project.remote(`pkill -${name} -f '^[^ ]*python[^ ]* src/train.py'`);
}

/** Pulumi notes what it begins in the state. */
async function underWay(project: Project, resource: string): Promise<void> {
  const file = join(project.root, "backend", ".pulumi", "stacks", "vast-training", "local.json");
  for (;;) {
    const { checkpoint } = JSON.parse(readFileSync(file, "utf8"));
    const begun: { resource: { urn: string } }[] = checkpoint.latest?.pending_operations ?? [];
    if (begun.some(({ resource: { urn } }) => urn.endsWith(`::${resource}`))) return;
    await sleep(50);
  }
}

/** Whatever a person has to type before the next command. */
async function unlock(project: Project): Promise<void> {
  const locks = join(project.root, "backend", ".pulumi", "locks");
  const held = filesBelow(locks).some((name) => name.endsWith(".json"));
  if (held) await project.works("cancel", "--yes");
}

async function living(project: Project): Promise<string[]> {
  const { contracts } = await project.simulator.ledger();
  return contracts.filter(({ destroyedAt }) => destroyedAt === null).map(({ id }) => String(id));
}

async function trains(project: Project): Promise<void> {
  assert.deepEqual(await living(project), [(await project.outputs()).instanceId]);
  await project.remote("until ls /workspace/checkpoints | grep -q step_; do sleep 0.2; done");
}

async function endsWell(project: Project): Promise<void> {
  await project.works("destroy", "--skip-preview");
  assert.deepEqual(await living(project), []);
  assert.deepEqual(readdirSync(join(project.home, "journal")), []);
}

test("everything is killed as the machine is rented: the next up takes it over and trains", options, async (t) => {
  const project = await openProject(t);
  await pullThePlug(t, project, "up", { on: "PUT /asks/{id}/", do: "holdAfter" }, "kill -9 of everything");
  const [rented, ...others] = await living(project);
  assert.deepEqual(others, []);
  await unlock(project);
  await project.works("up", "--skip-preview");
  assert.equal((await project.outputs()).instanceId, rented);
  await trains(project);
  await endsWell(project);
  assert.notDeepEqual(checkpointsIn(join(project.dir, "checkpoints")), []);
});

test("the command is killed while code is brought to the machine: a destroy alone ends it", options, async (t) => {
  const project = await openProject(t);
  await pullThePlug(t, project, "up", { resource: "run-code" }, "kill -9 of the command");
  assert.equal((await living(project)).length, 1, "it is in the state");
  await unlock(project);
  await endsWell(project);
});

test(
  "the terminal is closed while training is started: up goes on where it was, on the same machine",
  options,
  async (t) => {
    const project = await openProject(t);
    await pullThePlug(t, project, "up", { resource: "run-training" }, "closed terminal");
    const before = await living(project);
    await unlock(project);
    await project.works("up", "--skip-preview");
    assert.deepEqual(await living(project), before);
    await trains(project);
    await endsWell(project);
    assert.notDeepEqual(checkpointsIn(join(project.dir, "checkpoints")), []);
  },
);

test(
  "everything is killed in the gate of a destroy: the next destroy brings the checkpoints home",
  options,
  async (t) => {
    const project = await openProject(t);
    await project.works("up", "--skip-preview");
    await trains(project);
    await signal(project, "STOP"); // the gate waits for its end
    await pullThePlug(t, project, "destroy", { resource: "run-checkpoints" }, "kill -9 of everything");
    assert.equal((await living(project)).length, 1, "nothing is released before its checkpoints are home");
    await signal(project, "CONT");
    await unlock(project);
    await endsWell(project);
    assert.notDeepEqual(checkpointsIn(join(project.dir, "checkpoints")), []);
  },
);

test("the command is killed as the machine is released: the next destroy has nothing to fetch", options, async (t) => {
  const project = await openProject(t);
  await project.works("up", "--skip-preview");
  await trains(project);
  await pullThePlug(t, project, "destroy", { on: "DELETE /instances/{id}/", do: "hold" }, "kill -9 of the command");
  await unlock(project);
  await endsWell(project);
  assert.notDeepEqual(checkpointsIn(join(project.dir, "checkpoints")), []);
});

test("two ctrl-c while the machine comes up: up again, and one machine trains", options, async (t) => {
  const project = await openProject(t);
  await pullThePlug(t, project, "up", { on: "GET /api/v1/instances/", do: "hold", after: 1 }, "two ctrl-c");
  await unlock(project);
  await project.works("up", "--skip-preview");
  await trains(project);
  await endsWell(project);
});
