import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { isOwnedBy } from "../../../cli/fleet/fleet.ts";
import { readStacks } from "../../../cli/fleet/stack.ts";
import { look } from "../../../cli/sweep/look.ts";
import { openStateDir } from "../../../components/lib/state-dir.ts";
import { typeOf } from "../../../components/pulumi/addresses.ts";
import { startCommand } from "../../../scripts/lib/command.ts";
import { projectDir } from "../../../scripts/lib/workspace.ts";
import { notAll } from "../../support/all.ts";
import { openFleet } from "../../support/fleet.ts";

test("what a process rented a moment before it died is waited for until Vast would show it", async (t) => {
  const fleet = await openFleet(t);
  const label = fleet.label("dev");
  const diedAt = Date.now();
  fleet.intent(label, { process: "dead", at: diedAt });
  let now = diedAt;
  let id = 0;
  const notes: string[] = [];
  const clock = {
    now: () => now,
    sleep: async (milliseconds: number) => {
      now += milliseconds;
      if (now > diedAt + 10_000 && id === 0) id = await fleet.rent(label);
    },
  };
  const { env, folder: cwd } = fleet;
  const survey = await look({ cwd, env, stateFiles: [], clock, note: (text) => notes.push(text) });
  assert.deepEqual(
    survey.machines.map(({ instance, holder }) => [instance.id, holder.by]),
    [[id, "nobody"]],
  );
  assert.match(notes.join("\n"), /waiting until Vast would show what came of it/);
});

test("a stack without a machine, of whose label nothing is known here, is waited for like a rental that was killed", {
  skip: notAll,
}, async (t) => {
  const fleet = await openFleet(t);
  const label = fleet.label("dev");
  fleet.stack("dev", [{ label }]);
  const { env, folder: cwd } = fleet;
  const began = Date.now();
  let now = began;
  let id = 0;
  const clock = {
    now: () => now,
    sleep: async (milliseconds: number) => {
      now += milliseconds;
      if (now > began + 30_000 && id === 0) id = await fleet.rent(label);
    },
  };
  const looking = () => look({ cwd, env, stateFiles: [], clock, note: () => {} });
  assert.deepEqual([(await looking()).machines, now], [[], began], "what is known is not waited for");
  rmSync(join(openStateDir(env).journalDir, `${label}.json`));
  const { machines } = await looking();
  assert.deepEqual(
    machines.map(({ instance }) => instance.id),
    [id],
  );
});

test("an owner is told by the whole id in a label", () => {
  const owner = "abcd1234";
  for (const [label, owned] of [
    ["vt-abcd1234-p-s-r-0123456789", true],
    ["vt-abcd12345-p-s-r-0123456789", false],
    ["vt-abcd1234", false],
    ["xvt-abcd1234-p", false],
    [null, false],
  ] as const) {
    assert.equal(isOwnedBy(owner, { label }), owned, String(label));
  }
});

test("the real Pulumi lists and exports every stack of the project", async (t) => {
  const root = mkdtempSync(join(tmpdir(), "vast-stacks-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  for (const name of ["project", "backend", "pulumi"]) mkdirSync(join(root, name));
  const cwd = join(root, "project");
  writeFileSync(join(cwd, "Pulumi.yaml"), "name: vast-training\nruntime: nodejs\n");
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith("PULUMI_"));
  const env = {
    ...Object.fromEntries(kept),
    PATH: `${join(projectDir, "node_modules", ".bin")}:${process.env.PATH}`,
    PULUMI_HOME: join(root, "pulumi"),
    PULUMI_BACKEND_URL: `file://${join(root, "backend")}`,
    PULUMI_CONFIG_PASSPHRASE: "only for this test",
    PULUMI_SKIP_UPDATE_CHECK: "true",
  };
  const pulumi = async (words: string[], input = "") => {
    const result = await startCommand("pulumi", words, { cwd, env, input }).result;
    assert.equal(result.code, 0, result.stderr);
  };
  await pulumi(["stack", "init", "one"]);
  await pulumi(["stack", "init", "two"]);
  const type = typeOf("instance");
  const urn = `urn:pulumi:two::vast-training::${type}::instance`;
  const resource = { urn, type, id: "7", custom: true, outputs: { apiUrl: "simulator" } };
  const old = { ...resource, id: "6", delete: true };
  const stackUrn = "urn:pulumi:two::vast-training::pulumi:pulumi:Stack::vast-training-two";
  const resources = [{ urn: stackUrn, type: "pulumi:pulumi:Stack", custom: false }, old, resource];
  const manifest = { time: "2026-01-01T00:00:00Z", magic: "", version: "" };
  await pulumi(
    ["stack", "import", "--stack", "two"],
    JSON.stringify({ version: 3, deployment: { manifest, resources } }),
  );
  const stacks = await readStacks(cwd, env);
  assert.deepEqual(
    stacks.map(({ name, resources: held }) => [name, held.filter((one) => one.type === type).map(({ id }) => id)]),
    [
      ["one", []],
      ["two", ["6", "7"]],
    ],
  );
});
