import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { runProgram } from "../../../components/programs/program.ts";
import type { Endpoint } from "../../../components/ssh/endpoint.ts";
import { pinHostKey } from "../../../components/ssh/known-hosts.ts";
import { dropLine, lineTo } from "../../../components/ssh/line.ts";
import { probe } from "../../../components/ssh/probe.ts";
import { runScript } from "../../../components/ssh/run-script.ts";
import type { SshKey } from "../../../components/ssh/ssh-key.ts";
import { projectDir } from "../../../scripts/lib/workspace.ts";
import { needsRoot, sshd, temporaryHome } from "../../support/sshd.ts";

/** The connection that a script came by: the process that serves it, which is the parent of its shell. */
const connection = async (login: { instanceId: number; endpoint: Endpoint; key: SshKey }) =>
  Number((await runScript(login, "echo $PPID")).toString());

function loginTo(key: SshKey, port: number, instanceId: number) {
  return { instanceId, key, endpoint: { host: "127.0.0.1", port, via: "direct" as const } };
}

/** Words for Node: logs in and says whether it did, and whether a connection stays open. */
function program(login: object): string[] {
  const from = (file: string) => JSON.stringify(join(projectDir, "components", "ssh", file));
  const code = `
    const { probe } = await import(${from("probe.ts")});
    const { lineTo } = await import(${from("line.ts")});
    const login = JSON.parse(process.argv[1]);
    const { ok } = await probe(login.endpoint, { ...login, firstUse: true });
    console.log(ok + ", " + (lineTo(login) === undefined ? "no line" : "a line"));
    if (process.argv[2] === "die") process.kill(process.pid, "SIGKILL");
  `;
  return ["--input-type=module", "-e", code, JSON.stringify(login)];
}

test("after a login, scripts and further logins come over its connection", needsRoot, async (t) => {
  const { key } = temporaryHome(t);
  const { port } = await sshd(t, key.publicKey);
  const login = loginTo(key, port, 1);
  assert.equal((await probe(login.endpoint, { ...login, firstUse: true })).ok, true);
  const first = await connection(login);
  assert.equal((await probe(login.endpoint, login)).ok, true);
  assert.equal(await connection(login), first);
  const [one, other] = await Promise.all([connection(login), connection(login)]);
  assert.deepEqual([one, other], [first, first], "side by side too");
});

test("when the connection breaks, the next login and the next script work by another", needsRoot, async (t) => {
  const { key } = temporaryHome(t);
  const { port } = await sshd(t, key.publicKey);
  const login = loginTo(key, port, 2);
  await probe(login.endpoint, { ...login, firstUse: true });
  const first = await connection(login);
  // The process that holds the connection on the machine ends: what a stop or a relay does.
  process.kill(first, "SIGKILL");
  assert.notEqual(await connection(login), first);
  assert.equal((await probe(login.endpoint, login)).ok, true);
  assert.notEqual(await connection(login), first);
});

test("a connection that is silent costs a login no more than seconds", needsRoot, async (t) => {
  const { key } = temporaryHome(t);
  const { port } = await sshd(t, key.publicKey);
  const login = loginTo(key, port, 3);
  await probe(login.endpoint, { ...login, firstUse: true });
  const first = await connection(login);
  process.kill(first, "SIGSTOP");
  t.after(() => process.kill(first, "SIGKILL"));
  assert.equal((await probe(login.endpoint, login)).ok, true);
  assert.notEqual(await connection(login), first);
});

test("a process that logs in again and again watches for its own end once", needsRoot, async (t) => {
  const { key } = temporaryHome(t);
  const { port } = await sshd(t, key.publicKey);
  const login = loginTo(key, port, 7);
  await probe(login.endpoint, { ...login, firstUse: true });
  const before = process.listenerCount("exit");
  for (let times = 0; times < 3; times++) {
    dropLine(login);
    assert.equal((await probe(login.endpoint, login)).ok, true);
  }
  assert.equal(process.listenerCount("exit"), before);
});

test("a machine that allows one session in a connection is logged in to for each", needsRoot, async (t) => {
  const { key } = temporaryHome(t);
  const { port } = await sshd(t, key.publicKey, { MaxSessions: "1" });
  const login = loginTo(key, port, 6);
  await probe(login.endpoint, { ...login, firstUse: true });
  const [one, other] = [await connection(login), await connection(login)];
  assert.notEqual(one, other);
  assert.equal((await probe(login.endpoint, login)).ok, true);
});

test("where ssh can make no socket each call logs in by itself", needsRoot, async (t) => {
  const { key } = temporaryHome(t);
  const { port, hostKey } = await sshd(t, key.publicKey);
  const login = loginTo(key, port, 4);
  pinHostKey(key.knownHostsFile, login.instanceId, hostKey);
  const folder = dirname(key.knownHostsFile);
  const readOnly = `mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"`;
  const words = ["unshare", "-m", "sh", "-c", readOnly, folder, process.execPath, ...program(login)];
  const { stdout, stderr } = await runProgram(words);
  assert.equal(stdout.toString(), "true, no line\n", stderr);
});

test("a process that has logged in ends at once, and leaves no ssh and no socket", needsRoot, async (t) => {
  const { key } = temporaryHome(t);
  const { port } = await sshd(t, key.publicKey);
  const login = loginTo(key, port, 5);
  const folder = dirname(key.knownHostsFile);
  for (const how of ["end", "die"]) {
    const { stdout } = await runProgram([process.execPath, ...program(login), how], { timeoutMs: 120_000 });
    assert.equal(stdout.toString(), "true, a line\n");
    const left = () => readdirSync(folder).filter((name) => name.startsWith("line-"));
    for (let looks = 0; left().length > 0 && looks < 300; looks++) await pause(100);
    assert.deepEqual(left(), []);
  }
  assert.equal(lineTo(login), undefined);
});
