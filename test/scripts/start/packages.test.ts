import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { startCommand } from "../../../scripts/lib/command.ts";
import { projectDir } from "../../../scripts/lib/workspace.ts";
import { imported } from "../../../scripts/start/imported.mjs";

const modules = join(projectDir, "node_modules");
const shim = join(modules, ".bin", "node");

/** Runs a program in a copy of what start-up needs, after `change`. */
async function run(t: TestContext, program: string, change: (dir: string) => void = () => {}) {
  const dir = mkdtempSync(join(tmpdir(), "vast-start-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  for (const name of ["package-lock.json", "package.json"]) cpSync(join(projectDir, name), join(dir, name));
  mkdirSync(join(dir, "scripts"));
  cpSync(join(projectDir, "scripts", "start"), join(dir, "scripts", "start"), { recursive: true });
  symlinkSync(modules, join(dir, "node_modules"));
  const use = `require(${JSON.stringify(join(dir, "scripts", "start", "packages.cjs"))}).usePackages();\n`;
  writeFileSync(join(dir, "start.cjs"), use);
  writeFileSync(join(dir, "program.mjs"), program);
  change(dir);
  const words = ["--require", join(dir, "start.cjs"), join(dir, "program.mjs")];
  return startCommand(process.execPath, words, { cwd: dir, env: process.env }).result;
}

const SHOW = `
import { createRequire } from "node:module";
import * as pulumi from "@pulumi/pulumi";
import axios, { isAxiosError } from "axios";
import { z } from "zod";
import service from "@pulumi/pulumi/proto/provider_grpc_pb.js";
const files = Object.keys(createRequire(import.meta.url).cache);
console.log(JSON.stringify({
  fromPackages: files.filter((file) => /node_modules.(?!.vast-training-start)/.test(file)).length,
  values: [typeof pulumi.Output, pulumi.RunError.name, typeof axios.get, isAxiosError(1), z.int().parse(3), typeof service.ResourceProviderClient],
}));
`;
const VALUES = ["function", "RunError", "function", false, 3, "function"];

test("imports are answered from the one file, with the same names and defaults", async (t) => {
  const { stdout, stderr } = await run(t, SHOW);
  assert.deepEqual(JSON.parse(stdout || stderr), { fromPackages: 0, values: VALUES });
});

test("after another lockfile, or with a damaged index, the packages themselves are loaded", async (t) => {
  const other = (dir: string) => writeFileSync(join(dir, "package-lock.json"), "{}");
  const damaged = (dir: string) => {
    const file = join(dir, "scripts", "start", "packages.cjs");
    writeFileSync(file, readFileSync(file, "utf8").replace('"index.json"', '"package.json"'));
  };
  for (const change of [other, damaged]) {
    const { stdout, stderr } = await run(t, SHOW, change);
    const { fromPackages, values } = JSON.parse(stdout || stderr);
    assert.deepEqual(values, VALUES);
    assert.ok(fromPackages > 500, `${fromPackages}`);
  }
});

test("a module that the file lacks is an error that names set-up, not a second copy", async (t) => {
  const { stderr } = await run(t, `import "@pulumi/pulumi/runtime/mocks.js";`);
  assert.match(stderr, /@pulumi\/pulumi\/runtime\/mocks\.js is not in the file .* Run: npm run setup/);
});

test("Pulumi's programs run from it, and everything else as with Node itself", async () => {
  const result = (words: string[], env = {}) =>
    startCommand(shim, words, { cwd: projectDir, env: { ...process.env, ...env } }).result;
  const program = join(modules, "@pulumi", "pulumi", "cmd", "run", "index.js");
  assert.match((await result([program])).stderr, /--monitor=addr must be provided/);
  const { stderr: loading } = await result([program], { NODE_DEBUG: "module" });
  assert.ok(loading.includes("vast-training-start/packages-") && !loading.includes("@grpc/"));
  const words = ["--print", "process.argv.slice(1).concat(process.execPath)", "a b", "--c"];
  const { stdout } = await result(words);
  assert.match(stdout, /'a b', '--c', '.*\/node_modules\/node\/bin\/node'/s);
});

test("no source of the project is in it, so that a changed line is run by the next command", () => {
  const index = JSON.parse(readFileSync(join(modules, ".vast-training-start", "index.json"), "utf8"));
  const text = readFileSync(join(modules, ".vast-training-start", index.file), "utf8");
  for (const source of ["components/vast", "VastInstance"]) assert.ok(!text.includes(source), source);
  for (const name of imported(projectDir)) assert.ok(name in index.exported, name);
});
