import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { emptyAgentPath, serveEmptyAgent } from "../../components/empty-agent.ts";

test("ssh-add finds an agent without identities, also where a dead one has left its socket", async (t) => {
  const sshDir = mkdtempSync(join(tmpdir(), "agent-"));
  t.after(() => rmSync(sshDir, { recursive: true }));
  const path = emptyAgentPath({ sshDir }, "project", "stack");
  writeFileSync(path, "");
  const server = await serveEmptyAgent(path);
  t.after(() => server.close());
  const ask = (...args: string[]) =>
    new Promise<string>((resolve) => {
      execFile("ssh-add", args, { env: { ...process.env, SSH_AUTH_SOCK: path } }, (_error, stdout, stderr) =>
        resolve(stdout + stderr),
      );
    });
  assert.match(await ask("-L"), /no identities/);
  assert.match(await ask("-D"), /failed|refused|denied/i, "anything else is a failure, not silence");
});

test("the path is the same for a stack, differs between stacks, and fits into a socket's address", () => {
  const short = { sshDir: "/home/me/.local/state/vast-training/ssh" };
  assert.equal(emptyAgentPath(short, "p", "s"), emptyAgentPath(short, "p", "s"));
  assert.notEqual(emptyAgentPath(short, "p", "s"), emptyAgentPath(short, "p", "t"));
  const long = { sshDir: `/${"x".repeat(200)}` };
  assert.ok(emptyAgentPath(long, "p", "s").length <= 100);
  assert.match(emptyAgentPath(long, "p", "s"), /^\/tmp\/vast-training-/, "TMPDIR, which may be long, plays no part");
  assert.notEqual(emptyAgentPath(long, "p", "s"), emptyAgentPath({ sshDir: `${long.sshDir}y` }, "p", "s"));
});
