import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { projectDir } from "../../scripts/lib/workspace.ts";

function folder(t: TestContext): string {
  const made = mkdtempSync(join(tmpdir(), "vast cli "));
  t.after(() => rmSync(made, { recursive: true }));
  return made;
}

test("the launcher finds its project through chains of links, relative ones and blanks", (t) => {
  const place = folder(t);
  symlinkSync(join(projectDir, "cli", "vast-run"), join(place, "first"));
  symlinkSync("first", join(place, "second"));
  const output = execFileSync(join(place, "second"), ["--help"], { cwd: "/", encoding: "utf8" });
  assert.match(output, /^Usage: vast-run COMMAND/);
});

test("an exit code reaches the shell", () => {
  const ended = spawnSync(join(projectDir, "cli", "vast-run"), ["nonsense"], { encoding: "utf8" });
  assert.equal(ended.status, 2);
  assert.equal(ended.stdout, "");
  assert.match(ended.stderr, /^vast-run: unknown command 'nonsense'/);
});

test("a reader that has enough is no error", () => {
  const text = '"$1" --help | head -1; echo "$' + '{PIPESTATUS[0]}"';
  const program = join(projectDir, "cli", "vast-run");
  const ended = spawnSync("bash", ["-c", text, "bash", program], { encoding: "utf8" });
  assert.deepEqual(ended.stdout.split("\n"), ["Usage: vast-run COMMAND [options]", "0", ""]);
  assert.equal(ended.stderr, "");
});

test("without the project's Node it says what to run", (t) => {
  const clone = join(folder(t), "clone");
  mkdirSync(join(clone, "cli"), { recursive: true });
  copyFileSync(join(projectDir, "cli", "vast-run"), join(clone, "cli", "vast-run"));
  const ended = spawnSync(join(clone, "cli", "vast-run"), ["env"], { encoding: "utf8" });
  assert.equal(ended.status, 2);
  assert.match(ended.stderr, /node_modules\/\.bin\/node is missing; run: .* npm run setup/);
});
