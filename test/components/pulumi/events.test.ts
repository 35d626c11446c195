import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { runProgram } from "../../../components/programs/program.ts";
import { diagnosticIn, errorsIn } from "../../../components/pulumi/events.ts";
import { projectDir } from "../../../scripts/lib/workspace.ts";

const PROGRAM = `
import * as pulumi from "@pulumi/pulumi";
const fails = { create: async () => { throw new Error("one\\nand its second line: error: nothing"); } };
class Failing extends pulumi.dynamic.Resource { constructor() { super(fails, "failing", {}); } }
pulumi.log.warn("error: only a warning");
pulumi.log.info("progress", undefined, undefined, true);
new Failing();
`;

test("what Pulumi's own events tell of errors and of progress", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "events-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, "backend"));
  symlinkSync(join(projectDir, "node_modules"), join(folder, "node_modules"));
  const files = {
    "Pulumi.yaml": "name: events\nruntime: {name: nodejs, options: {typescript: false}}\nmain: ./index.js\n",
    "package.json": '{"name": "events", "type": "module"}\n',
    "index.js": PROGRAM,
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const env = {
    ...process.env,
    PATH: `${join(projectDir, "node_modules", ".bin")}:${process.env.PATH}`,
    PULUMI_BACKEND_URL: `file://${join(folder, "backend")}`,
    PULUMI_CONFIG_PASSPHRASE: "x",
    PULUMI_SKIP_UPDATE_CHECK: "true",
  };
  const pulumi = (...words: string[]) =>
    runProgram(["pulumi", ...words, "--stack", "s", "--non-interactive"], { cwd: folder, env });
  await runProgram(["pulumi", "stack", "init", "s", "--non-interactive"], { cwd: folder, env });
  const told = ["one\nand its second line: error: nothing"];
  const { code, stdout } = await pulumi("up", "--yes", "--skip-preview", "--json");
  assert.notEqual(code, 0);
  const lines = stdout.toString().split("\n");
  assert.deepEqual(errorsIn(lines), told);
  assert.equal(diagnosticIn(lines.find((line) => line.includes("progress")) ?? "")?.message, "progress\n");
  assert.deepEqual(errorsIn(lines.map((line) => line.slice(0, -1))), [], "cut off");
});
