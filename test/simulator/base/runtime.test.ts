import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
import { lockHome, removeRuntime, writeRuntime } from "../../../simulator/base/runtime.ts";

function folder(t: TestContext): string {
  const home = mkdtempSync(join(tmpdir(), "simulator-runtime-"));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  return home;
}

const RUNTIME = { url: "http://127.0.0.1:1", apiKeyFile: "/x", pid: process.pid, repos: {} };

test("the folder belongs to one living process", (t) => {
  const home = folder(t);
  const unlock = lockHome(home);
  assert.throws(() => lockHome(home), {
    message: new RegExp(`^A simulator \\(process ${process.pid}\\) already serves`),
  });
  unlock();
  lockHome(home)();
  assert.ok(!existsSync(join(home, "lock")));
});

test("what a dead one left is taken over, also when its process id lives again", (t) => {
  const home = folder(t);
  for (const owner of [`${process.pid} another start`, "999999999 1", "nonsense", ""]) {
    writeFileSync(join(home, "lock"), owner);
    writeRuntime(home, RUNTIME);
    const unlock = lockHome(home);
    assert.ok(!existsSync(join(home, "runtime.json")), "nobody is sent to the dead one");
    unlock();
  }
});

test("a killed one whose parent has not heard of it is dead", { skip: process.platform !== "linux" }, async (t) => {
  const home = folder(t);
  // The shell becomes a sleep, which never asks after the child that it was given. A shell that still is one would.
  const script = "sleep 1000 & echo $!; exec sleep 1000";
  const parent = spawn("sh", ["-c", script], { stdio: ["ignore", "pipe", "ignore"] });
  t.after(() => parent.kill("SIGKILL"));
  const [line] = await once(createInterface(parent.stdout), "line");
  const stat = (pid = line) => readFileSync(`/proc/${pid}/stat`, "utf8").split(" ");
  const aMoment = () => new Promise((next) => setTimeout(next, 10));
  while (stat(parent.pid)[1] !== "(sleep)") await aMoment();
  process.kill(Number(line), "SIGKILL");
  while (stat()[2] !== "Z") await aMoment();
  writeFileSync(join(home, "lock"), `${line} ${stat()[21]}`);
  lockHome(home)();
});

test("the runtime file", (t) => {
  const home = folder(t);
  writeRuntime(home, RUNTIME);
  assert.deepEqual(JSON.parse(readFileSync(join(home, "runtime.json"), "utf8")), RUNTIME);
  removeRuntime(home);
  removeRuntime(home);
  assert.ok(!existsSync(join(home, "runtime.json")));
});
