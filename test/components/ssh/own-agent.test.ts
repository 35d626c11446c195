import assert from "node:assert/strict";
import { execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { agentPath, serveKey } from "../../../components/ssh/own-agent.ts";

function openFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "agent a-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function makeKey(folder: string, type: string, ...more: string[]): string {
  const file = join(folder, type);
  execFileSync("ssh-keygen", ["-q", "-t", type, ...more, "-N", "", "-C", type, "-f", file]);
  return file;
}

/** ssh-add with the agent at a path. */
function ask(path: string, ...args: string[]): Promise<{ code: number; text: string }> {
  return new Promise((resolve) => {
    execFile("ssh-add", args, { env: { ...process.env, SSH_AUTH_SOCK: path } }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), text: stdout + stderr }),
    );
  });
}

async function goneIs(path: string): Promise<void> {
  while (existsSync(path)) await sleep(20);
}

const kinds: [type: string, ...string[]][] = [["ed25519"], ["rsa", "-b", "2048"], ["ecdsa"], ["rsa", "-m", "PEM"]];

for (const [type, ...more] of kinds) {
  test(`an agent signs with exactly the one key, ${[type, ...more].join(" ")}`, async (t) => {
    const folder = openFolder(t);
    const file = makeKey(folder, type, ...more);
    const path = join(folder, "a.sock");
    writeFileSync(path, "left by an earlier one");
    const agent = await serveKey(path, file);
    t.after(async () => {
      agent.close();
      await goneIs(path);
    });
    const listed = (await ask(path, "-L")).text.trim().split("\n");
    assert.deepEqual(
      listed.map((line) => line.split(" ")[1]),
      [readFileSync(`${file}.pub`, "utf8").split(" ")[1]],
    );
    assert.equal((await ask(path, "-T", `${file}.pub`)).code, 0, "a signature that is right");
  });
}

test("a file that is no key is one sentence, and leaves no agent", async (t) => {
  const folder = openFolder(t);
  const path = join(folder, "a.sock");
  writeFileSync(join(folder, "none"), "nothing", { mode: 0o600 });
  await assert.rejects(serveKey(path, join(folder, "none")), /^Error: ssh-agent, which holds the key .*none/);
  await goneIs(path);
});

for (const signal of ["SIGKILL", "SIGTERM", "its own end"] as const) {
  test(`the agent ends with the program: ${signal}`, async (t) => {
    const folder = openFolder(t);
    const [path, file] = [join(folder, "a.sock"), makeKey(folder, "ed25519")];
    const stays = signal === "its own end" ? "" : "setInterval(() => {}, 1000);";
    const source = `
      const { serveKey } = await import(${JSON.stringify(join(import.meta.dirname, "../../../components/ssh/own-agent.ts"))});
      await serveKey(${JSON.stringify(path)}, ${JSON.stringify(file)});
      ${stays} console.log("serves");`;
    const program = spawn(process.execPath, ["--input-type=module", "-e", source], { stdio: ["ignore", "pipe", 2] });
    t.after(() => program.kill("SIGKILL"));
    await once(program.stdout ?? assert.fail(), "data");
    if (signal !== "its own end") {
      assert.equal((await ask(path, "-l")).code, 0);
      program.kill(signal);
    }
    await once(program, "exit");
    await goneIs(path);
    assert.deepEqual(readdirSync(folder).sort(), ["ed25519", "ed25519.pub"]);
    const mine = () => readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && commandLine(pid).includes(path));
    while (process.platform === "linux" && mine().length > 0) await sleep(20);
  });
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

test("the path is the same for a stack, differs between stacks, and fits into a socket's address", () => {
  const short = { sshDir: "/home/me/.local/state/vast-training/ssh" };
  assert.equal(agentPath(short, "p", "s"), agentPath(short, "p", "s"));
  assert.notEqual(agentPath(short, "p", "s"), agentPath(short, "p", "t"));
  const long = { sshDir: `/${"x".repeat(200)}` };
  assert.ok(agentPath(long, "p", "s").length <= 100);
  assert.match(agentPath(long, "p", "s"), /^\/tmp\/vast-training-/, "TMPDIR, which may be long, plays no part");
  assert.notEqual(agentPath(long, "p", "s"), agentPath({ sshDir: `${long.sshDir}y` }, "p", "s"));
});
