import assert from "node:assert/strict";
import { cpSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { projectDir } from "../../scripts/lib/workspace.ts";
import { isAll } from "../support/all.ts";
import { allCases } from "./cases.ts";
import { noneLeft } from "./processes.ts";
import { runCase } from "./run-case.ts";
import { Stage } from "./stage.ts";

const isRoot = process.getuid?.() === 0 && process.platform === "linux";
const options = {
  skip: !isRoot ? "machines need root on Linux" : isAll ? false : "long: npm run test:all",
  timeout: 280_000,
};

/** A change of one file of the program. */
interface Flaw {
  /** Below components. */
  readonly file: string;
  readonly text: string;
  readonly instead: string;
}

async function open(t: TestContext, flaw?: Flaw): Promise<Stage> {
  const stage = await Stage.open((dir) => flaw !== undefined && putIn(flaw, dir));
  t.after(() => stage.close());
  return stage;
}

function putIn({ file, text, instead }: Flaw, dir: string): void {
  const copy = join(dir, "flawed");
  for (const name of ["package.json", "components"])
    cpSync(join(projectDir, name), join(copy, name), { recursive: true });
  const installed = join(dir, "node_modules", "@vast-training", "pulumi");
  rmSync(installed);
  symlinkSync(copy, installed);
  const path = join(copy, "components", file);
  const before = readFileSync(path, "utf8");
  assert.ok(before.includes(text), `${file} holds ${text}`);
  writeFileSync(path, before.replace(text, instead));
}

function caseNamed(name: string) {
  const found = allCases().find((each) => each.name === name);
  assert.ok(found, `there is a case ${name}`);
  return found;
}

test("a destroy that does not look for the label is caught", options, async (t) => {
  const stage = await open(t, {
    file: "run/identity.provider.ts",
    text: "await releaseAll(means, label,",
    instead: "void (releaseAll, means, label,",
  });
  const kill = caseNamed("up, after PUT /asks/{id}/ #1: kill -9 of everything, then destroy");
  await assert.rejects(runCase(stage, kill), /after destroy there is no machine/);
});

test("a provider that does not notice the end of its engine is caught", options, async (t) => {
  const stage = await open(t, {
    file: "pulumi/engine.ts",
    text: '(error as NodeJS.ErrnoException).code !== "ECONNREFUSED"',
    instead: 'error.message !== ""',
  });
  const kill = caseNamed("up, at GET /api/v1/instances/ #1: kill -9 of the command, then destroy");
  await assert.rejects(runCase(stage, kill, 20_000), /still running:[\s\S]*dynamic-provider/);
});

test("the command is killed while a rental waits for its turn: it does not leave", options, async (t) => {
  const stage = await open(t);
  stage.reset();
  const { world } = stage.simulator;
  const rentals = () => stage.requests().filter(({ endpoint }) => endpoint === "PUT /asks/{id}/");
  world.faults.add({ on: "PUT /asks/{id}/", do: "tooFrequent", threshold: 50 });
  const up = stage.start("up", ["--yes", "--skip-preview"]);
  while (rentals().length === 0) await sleep(50);
  up.signal("SIGKILL");
  await up.result;
  await noneLeft(stage.mark, ({ role }) => role !== "language host", 90_000);
  assert.equal(rentals().length, 1);
  assert.deepEqual([stage.living(), stage.intents()], [[], []]);
  for (const command of ["cancel", "destroy"]) assert.equal((await stage.pulumi(command, ["--yes"])).code, 0);
});
