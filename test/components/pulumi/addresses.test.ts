import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { ADDRESSES, type Address, entryOf, isEarlier, isOf, typeOf } from "../../../components/pulumi/addresses.ts";
import { startCommand } from "../../../scripts/lib/command.ts";
import { projectDir } from "../../../scripts/lib/workspace.ts";
import { installInto } from "../../support/installed.ts";

/** Every state holds them: none may ever change or go. */
const FOR_EVER: [entry: string, type: string][] = [
  ["@vast-training/pulumi/providers/instance", "pulumi-nodejs:dynamic:Instance"],
  ["@vast-training/pulumi/providers/bid", "pulumi-nodejs:dynamic:Bid"],
  ["@vast-training/pulumi/providers/lease", "pulumi-nodejs:dynamic:Lease"],
  ["@vast-training/pulumi/providers/identity", "pulumi-nodejs:dynamic:Identity"],
  ["@vast-training/pulumi/providers/checkpoints", "pulumi-nodejs:dynamic:Checkpoints"],
  ["@vast-training/pulumi/providers/code", "pulumi-nodejs:dynamic:Code"],
  ["@vast-training/pulumi/providers/credentials", "pulumi-nodejs:dynamic:Credentials"],
  ["@vast-training/pulumi/providers/revision", "pulumi-nodejs:dynamic:Revision"],
  ["@vast-training/pulumi/providers/image", "pulumi-nodejs:dynamic:Image"],
  ["@vast-training/pulumi/providers/wandb-run", "pulumi-nodejs:dynamic:WandbRun"],
];

const entries = FOR_EVER.map(([entry]) => entry);

test("what states hold is what it always was", () => {
  const ours = Object.keys(ADDRESSES) as Address[];
  const known = ours.map((address): [string, string] => [entryOf(address), typeOf(address)]);
  assert.deepEqual(known.sort(), FOR_EVER.toSorted());
  const { name, exports } = JSON.parse(readFileSync(join(projectDir, "package.json"), "utf8"));
  const exported = Object.keys(exports).map((path) => path.replace(/^\./, name));
  assert.deepEqual(exported.sort(), entries.toSorted());
});

/** Each entry with the methods of its provider, as Pulumi's process for dynamic resources gets them in that folder. */
async function methodsIn(cwd: string): Promise<Record<string, string[]>> {
  const program = `const found = {};
    for (const entry of ${JSON.stringify(entries)}) found[entry] = Object.keys((await import(entry)).provider);
    process.stdout.write(JSON.stringify(found));`;
  const words = ["--input-type=module", "--eval", program];
  const { code, stdout, stderr } = await startCommand("node", words, { cwd, env: process.env }).result;
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

test("each address leads to a provider, from the project's folder and from a program that has it installed", async (t: TestContext) => {
  const program = mkdtempSync(join(tmpdir(), "vast-installed-"));
  t.after(() => rmSync(program, { recursive: true, force: true }));
  installInto(program);
  const [here, there] = await Promise.all([methodsIn(projectDir), methodsIn(program)]);
  assert.deepEqual(Object.keys(here), entries);
  for (const [entry, methods] of Object.entries(here)) assert.ok(methods.includes("create"), entry);
  assert.deepEqual(there, here);
});

test("a resource is known by its type of today and by the one of before, and by no other", () => {
  assert.ok(isOf("instance", { type: "pulumi-nodejs:dynamic:Instance" }));
  assert.ok(isOf("instance", { type: "pulumi-nodejs:dynamic/vast:Instance" }));
  assert.ok(isOf("checkpoints", { type: "pulumi-nodejs:dynamic/training:Checkpoints" }));
  for (const type of ["pulumi-nodejs:dynamic:Bid", "aws:ec2/instance:Instance", "pulumi-nodejs:dynamic/mine:Instance"])
    assert.ok(!isOf("instance", { type }), type);
  assert.ok(isEarlier({ type: "pulumi-nodejs:dynamic/training:WandbRun" }));
  assert.ok(!isEarlier({ type: "pulumi-nodejs:dynamic:Instance" }));
});
