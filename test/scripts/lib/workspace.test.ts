import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startTime } from "../../../scripts/lib/alive.ts";
import { openWorkspace, projectDir } from "../../../scripts/lib/workspace.ts";

test("a workspace is a copy of the project in which Pulumi sees nothing of the caller's", async (t) => {
  process.env.PULUMI_ACCESS_TOKEN = "the caller's";
  process.env.VAST_API_KEY = "the caller's";
  process.env.SSH_AUTH_SOCK = "/the/caller's";
  const workspace = openWorkspace({ env: { EXTRA: "1" } });
  t.after(() => workspace.close());
  const { stdout } = await workspace.run("sh", ["-c", "env; pwd; pulumi stack ls --json"]);
  assert.doesNotMatch(stdout, /the caller's/);
  assert.match(stdout, /^EXTRA=1$/m);
  assert.ok(stdout.includes(`\n${workspace.dir}\n[]`), stdout);
  assert.equal(
    readFileSync(join(workspace.dir, "package.json"), "utf8"),
    readFileSync(join(projectDir, "package.json"), "utf8"),
  );
});

test("making a stack changes the copy and nothing of the project", async (t) => {
  const stackFiles = () => readdirSync(projectDir).filter((name) => name.startsWith("Pulumi"));
  const before = stackFiles().map((name) => [name, readFileSync(join(projectDir, name), "utf8")]);
  const workspace = openWorkspace();
  t.after(() => workspace.close());
  const made = await workspace.run("pulumi", ["stack", "init", "local"]);
  assert.equal(made.code, 0, made.stderr);
  assert.deepEqual(
    stackFiles().map((name) => [name, readFileSync(join(projectDir, name), "utf8")]),
    before,
  );
});

test("after close nothing is left: no folder, and no process that was started", async () => {
  const workspace = openWorkspace();
  const sleeping = workspace.start("sh", ["-c", "sleep 1000 & echo $!; wait"]);
  const child = Promise.withResolvers<number>();
  const waiting = workspace.start("sh", ["-c", "sleep 1000 & echo $!; wait"], {
    onLine: (line) => child.resolve(Number(line)),
  });
  const grandchild = await child.promise;
  await workspace.close();
  assert.equal((await sleeping.result).signal, "SIGKILL");
  assert.equal((await waiting.result).signal, "SIGKILL");
  // It was killed before its pipe was closed, and may take a moment more to be gone.
  while (startTime(grandchild) !== undefined) await sleep(10);
  assert.ok(!existsSync(workspace.root));
});

test("a command's result tells its exit code, both streams and how it is typed", async (t) => {
  const workspace = openWorkspace();
  t.after(() => workspace.close());
  const lines: string[] = [];
  const result = await workspace.run("sh", ["-c", "cat; echo no >&2; exit 3"], {
    input: "hello\n",
    onLine: (line, stream) => lines.push(`${stream}: ${line}`),
  });
  const command = "sh -c 'cat; echo no >&2; exit 3'";
  assert.deepEqual(result, { command, code: 3, signal: null, stdout: "hello\n", stderr: "no\n" });
  assert.deepEqual(lines.sort(), ["stderr: no", "stdout: hello"]);
});
