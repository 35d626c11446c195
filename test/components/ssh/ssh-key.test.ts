import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { type TestContext, test } from "node:test";
import { openStateDir } from "../../../components/lib/state-dir.ts";
import { ownSshKey, shellLine, sshArgs } from "../../../components/ssh/ssh-key.ts";
import { needsRoot, sshd, temporaryHome } from "../../support/sshd.ts";

function temporary(t: TestContext) {
  const path = mkdtempSync(join(tmpdir(), "ssh-key-test-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return { path, dir: openStateDir({ VAST_TRAINING_HOME: join(path, "state") }) };
}

const keygen = (...args: string[]) => execFileSync("ssh-keygen", ["-q", "-t", "ed25519", ...args]);

test("makes a key of our own once, for nobody else to read", (t) => {
  const { dir } = temporary(t);
  const key = ownSshKey(dir, "");
  assert.match(key.publicKey, /^ssh-ed25519 \S+ vast-training$/);
  assert.equal(key.privateKeyFile, join(dir.sshDir, "id_ed25519"));
  assert.equal(statSync(key.privateKeyFile).mode & 0o777, 0o600);
  assert.equal(readFileSync(`${key.privateKeyFile}.pub`, "utf8"), `${key.publicKey}\n`);
  assert.deepEqual(ownSshKey(dir, ""), key);
  assert.deepEqual(readdirSync(dir.sshDir).sort(), ["id_ed25519", "id_ed25519.pub"]);
});

test("processes that need it at once get the same key", async (t) => {
  const { dir } = temporary(t);
  const module = (name: string) => JSON.stringify(new URL(`../../../components/${name}.ts`, import.meta.url).href);
  const code = `const s = await import(${module("lib/state-dir")}); const k = await import(${module("ssh/ssh-key")});
    console.log(k.ownSshKey(s.openStateDir(), "").publicKey)`;
  const keys = await Promise.all(
    Array.from({ length: 5 }, async () => {
      const env = { ...process.env, VAST_TRAINING_HOME: dir.path };
      return (await text(spawn(process.execPath, ["--input-type=module", "-e", code], { env }).stdout)).trim();
    }),
  );
  assert.deepEqual(new Set(keys), new Set([ownSshKey(dir, "").publicKey]));
  assert.deepEqual(readdirSync(dir.sshDir).sort(), ["id_ed25519", "id_ed25519.pub"]);
});

test("takes the key of the config", (t) => {
  const { path, dir } = temporary(t);
  keygen("-N", "", "-C", "me@home", "-f", join(path, "mine"));
  const key = ownSshKey(dir, join(path, "mine"));
  assert.equal(key.publicKey, readFileSync(join(path, "mine.pub"), "utf8").trim());
  assert.deepEqual(readdirSync(dir.sshDir), []);
});

test("says what is wrong with a key", (t) => {
  const { path, dir } = temporary(t);
  const file = join(path, "mine");
  const use = (name: string) => () => ownSshKey(dir, name);
  assert.throws(use(file), /sshKey: .*mine does not exist; name an unencrypted private key/);
  keygen("-N", "secret words", "-f", file);
  assert.throws(use(file), /mine is encrypted, and nobody is there/);
  assert.throws(use(`${file}.pub`), /mine\.pub (is not a private key|can be read by other users)/);
  writeFileSync(join(path, "text"), "hello", { mode: 0o600 });
  assert.throws(use(join(path, "text")), /text is not a private key/);
  chmodSync(file, 0o644);
  assert.throws(use(file), /can be read by other users/);
});

test("the options read nothing of the user's, and ask no agent", () => {
  const target = { privateKeyFile: "/k/50%", knownHostsFile: "/a b/known_hosts", port: 41, instanceId: 7 };
  const args = sshArgs(target);
  assert.deepEqual(args.slice(0, 2), ["-F", "none"]);
  assert.deepEqual(args.slice(-4), ["-i", "/k/50%%", "-p", "41"]);
  for (const option of [
    "ProxyCommand=none",
    "IdentityAgent=none",
    "IdentitiesOnly=yes",
    "HostKeyAlias=vast-7",
    "StrictHostKeyChecking=yes",
    "BatchMode=yes",
    "ForwardAgent=no",
    'UserKnownHostsFile="/a b/known_hosts"',
  ]) {
    assert.ok(args.includes(option), option);
  }
  assert.ok(sshArgs({ ...target, firstUse: true }).includes("StrictHostKeyChecking=accept-new"));
  assert.ok(!sshArgs({ ...target, agent: true }).includes("IdentityAgent=none"));
});

test("ssh takes every option", (t) => {
  const { dir } = temporary(t);
  const args = sshArgs({
    privateKeyFile: ownSshKey(dir, "").privateKeyFile,
    knownHostsFile: "/known hosts",
    port: 41,
    instanceId: 7,
  });
  const seen = execFileSync("ssh", [...args, "-G", "root@127.0.0.1"], { encoding: "utf8" });
  assert.match(seen, /^hostkeyalias vast-7$/m);
  assert.match(seen, /^identityagent none$/m);
  assert.match(seen, /^port 41$/m);
});

test("a hostile config and a dead agent do no harm", needsRoot, async (t) => {
  const { path, key } = temporaryHome(t);
  const server = await sshd(t, key.publicKey);
  mkdirSync(join(path, ".ssh"), { mode: 0o700 });
  const config = `Host *\n  ProxyCommand touch ${join(path, "harm")}\n  ControlMaster auto\n  ControlPath ${join(path, "mux")}\n  User nobody\n  Port 1\n`;
  writeFileSync(join(path, ".ssh", "config"), config.replaceAll(path, JSON.stringify(path)), { mode: 0o600 });
  const args = sshArgs({ ...key, port: server.port, instanceId: 7, firstUse: true });
  for (const socket of [undefined, join(path, "dead.sock")]) {
    const env: NodeJS.ProcessEnv = { ...process.env, HOME: path, SSH_AUTH_SOCK: socket };
    if (socket === undefined) delete env.SSH_AUTH_SOCK;
    const line = `${shellLine(["ssh", ...args, "root@127.0.0.1"])} 'echo $((6 * 7))'`;
    assert.equal(execFileSync("sh", ["-c", line], { env, encoding: "utf8" }), "42\n");
  }
  assert.deepEqual(readdirSync(path).sort(), [".ssh", "state"]);
});

test("a line for the shell keeps its words", () => {
  const words = ["ssh", "-i", "/a b/it's", "", "$HOME;`id`", "a=b,c@d:e/%h"];
  const out = execFileSync("sh", ["-c", `printf '%s\\n' ${shellLine(words)}`], { encoding: "utf8" });
  assert.deepEqual(out.split("\n").slice(0, -1), words);
});
