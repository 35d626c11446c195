import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { projectDir } from "../../scripts/lib/workspace.ts";

const { scripts } = JSON.parse(readFileSync(join(projectDir, "package.json"), "utf8")) as {
  scripts: Record<string, string>;
};
const settingUp = Object.keys(scripts).filter((name) => /setup/.test(scripts[name] ?? ""));

test("npm run X -- --help sets nothing up, whatever X needs", (t) => {
  const clone = mkdtempSync(join(tmpdir(), "vt-help-"));
  t.after(() => rmSync(clone, { recursive: true }));
  for (const name of ["package.json", "scripts"])
    cpSync(join(projectDir, name), join(clone, name), { recursive: true });
  assert.ok(settingUp.length > 6);
  for (const name of settingUp) {
    const said = execFileSync("npm", ["run", "-s", name, "--", "--help"], { cwd: clone, encoding: "utf8" });
    assert.match(said, /npm run/, name);
    assert.deepEqual(readdirSync(clone).sort(), ["package.json", "scripts"], name);
  }
});

test("what needs the packages and brings none says what does", (t) => {
  const clone = mkdtempSync(join(tmpdir(), "vt-second-"));
  t.after(() => rmSync(clone, { recursive: true }));
  for (const name of ["package.json", "scripts"])
    cpSync(join(projectDir, name), join(clone, name), { recursive: true });
  const { status, stderr } = spawnSync("npm", ["run", "-s", "simulator"], { cwd: clone, encoding: "utf8" });
  assert.equal(status, 1);
  assert.equal(stderr, "The packages are not there yet; `npm run setup` brings them.\n");
  assert.deepEqual(readdirSync(clone).sort(), ["package.json", "scripts"]);
});
