import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { parseListing } from "../../../components/checkpoints/manifest.ts";
import { manifestScript } from "../../../components/remote/scripts.ts";
import { projectDir } from "../../../scripts/lib/workspace.ts";

const NAMES = ["a", "line\nbreak", "run 1/it's \\ odd", "-n"];

function scratch(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "sums-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The sums that a machine lists; `python3` is the text of its python3, default the real one. */
function listed(t: TestContext, folder: string, python3?: string): (string | null)[] {
  const bin = scratch(t);
  if (python3 !== undefined) writeFileSync(join(bin, "python3"), `#!/bin/sh\n${python3}\n`, { mode: 0o755 });
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}` };
  const { files } = parseListing(execFileSync("bash", ["-s"], { input: manifestScript(folder), env }));
  assert.equal(files.size, NAMES.length);
  return NAMES.map((name) => files.get(name)?.sha256 ?? null);
}

test("a machine's sums are right with python3, without it, and when it breaks off", (t) => {
  const folder = scratch(t);
  mkdirSync(join(folder, "run 1"));
  for (const name of NAMES) writeFileSync(join(folder, name), name.repeat(700_000));
  const right = NAMES.map((name) => createHash("sha256").update(name.repeat(700_000)).digest("hex"));
  const real = execFileSync("sh", ["-c", "command -v python3"], { encoding: "utf8" }).trim();
  assert.deepEqual(listed(t, folder), right);
  assert.deepEqual(listed(t, folder, "exit 127"), right);
  assert.deepEqual(listed(t, folder, "exit 0"), right, "it does nothing");
  assert.deepEqual(listed(t, folder, `${real} "$@" 4>&1 | head -zn 2 >&4; exit 1`), right);
  assert.deepEqual(listed(t, folder, `echo welcome; ${real} "$@"; echo bye`), right, "a wrapper may talk");
});

test("python3 takes the name by which the guard of a machine knows that checkpoints are hashed", async (t) => {
  const text = readFileSync(join(projectDir, "components", "remote", "sums.py"), "utf8");
  const python = spawn("python3", ["-I", "-S", "-c", text], { stdio: ["pipe", "ignore", "ignore", "ignore", "pipe"] });
  t.after(() => python.kill());
  const name = () => readFileSync(`/proc/${python.pid}/comm`, "utf8").trim();
  for (let looks = 0; looks < 600 && name() !== "sha256sum"; looks++) await sleep(50);
  assert.equal(name(), "sha256sum");
  assert.match(readFileSync(join(projectDir, "components", "remote", "guard.sh"), "utf8"), /rsync \| sha256sum/);
});
