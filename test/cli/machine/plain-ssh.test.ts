import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { noteHostKey, readSettings } from "../../../cli/machine/plain-ssh.ts";

const host = "[203.0.113.7]:41022";
const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";
const otherKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB8eHRwbGhkYFxYVFBMSERAPDg0MCwoJCAcGBQQDAgEA";

function knownHosts(t: TestContext, text?: string): string {
  const folder = mkdtempSync(join(tmpdir(), "vast-cli-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "ssh", "known_hosts");
  if (text === undefined) return file;
  const flat = join(folder, "known_hosts");
  writeFileSync(flat, text);
  return flat;
}

test("ssh's settings are read as ssh prints them", () => {
  const text = "hostname 203.0.113.7\nport 41022\nstricthostkeychecking ask\nuserknownhostsfile /h/a /h/b";
  assert.deepEqual(readSettings(text), { strict: true, knownHostsFile: "/h/a", hostName: host });
  assert.equal(readSettings(text.replace("ask", "accept-new")).strict, false);
  assert.equal(readSettings(text.replace("41022", "22")).hostName, "203.0.113.7");
  assert.equal(readSettings(`${text}\nhostkeyalias box`).hostName, "box");
  assert.equal(readSettings(text.replace("/h/a /h/b", "/dev/null")).knownHostsFile, undefined);
});

test("a known_hosts that is not there is made, for its owner alone", (t) => {
  const file = knownHosts(t);
  assert.equal(noteHostKey(file, host, key), "noted");
  assert.equal(readFileSync(file, "utf8"), `${host} ${key} vast-training\n`);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(noteHostKey(file, host, key), "known");
});

test("the user's lines stay, also the last one without a newline", (t) => {
  const file = knownHosts(t, `# mine\nexample.org ${otherKey}`);
  noteHostKey(file, host, key);
  assert.equal(readFileSync(file, "utf8"), `# mine\nexample.org ${otherKey}\n${host} ${key} vast-training\n`);
});

test("our own line for an earlier machine at the address is replaced", (t) => {
  const file = knownHosts(t, `${host} ${otherKey} vast-training\n[203.0.113.7]:41023 ${otherKey} vast-training\n`);
  assert.equal(noteHostKey(file, host, key), "noted");
  assert.equal(
    readFileSync(file, "utf8"),
    `[203.0.113.7]:41023 ${otherKey} vast-training\n${host} ${key} vast-training\n`,
  );
});

test("a line of the user's that says otherwise is a conflict, and left", (t) => {
  const text = `${host} ${otherKey}\n`;
  const file = knownHosts(t, text);
  assert.equal(noteHostKey(file, host, key), "conflict");
  assert.equal(readFileSync(file, "utf8"), text);
});

test("a hashed name is recognised", (t) => {
  const file = knownHosts(t, `${host} ${key}\n`);
  execFileSync("ssh-keygen", ["-H", "-f", file], { stdio: "pipe" });
  assert.doesNotMatch(readFileSync(file, "utf8"), /203/);
  assert.equal(noteHostKey(file, host, key), "known");
});

test("a known_hosts that is a link stays one", (t) => {
  const file = knownHosts(t, "");
  const link = `${file}.link`;
  symlinkSync(file, link);
  noteHostKey(link, host, key);
  assert.equal(readFileSync(file, "utf8"), `${host} ${key} vast-training\n`);
});
