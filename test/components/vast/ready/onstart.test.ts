import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { onstartScript, SET_UP_MARK } from "../../../../components/vast/ready/onstart.ts";

const keys = ["ssh-ed25519 AAAAfirst it's mine", "ssh-rsa AAAAsecond $(touch owned)"];

/** Runs the script with a folder of ours in place of /root, and without the part that waits. */
function run(root: string, more = ""): void {
  const text = onstartScript(keys, more).replaceAll("/root", root).replace("-lt 60", "-lt 0");
  execFileSync("sh", ["-s"], { input: text, cwd: root, stdio: ["pipe", "pipe", "inherit"] });
}

test("lets the keys in, once each, and leaves the mark", (t) => {
  const root = mkdtempSync(join(tmpdir(), "vast-onstart-test-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  run(root);
  run(root, "touch /root/more");
  const file = join(root, ".ssh", "authorized_keys");
  const lines = readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "");
  assert.deepEqual(lines, keys);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.ok(existsSync(SET_UP_MARK.replace("/root", root)));
  assert.ok(existsSync(join(root, "more")));
  assert.ok(!existsSync(join(root, "owned")));
});

test("is short enough for Vast with many keys, and with all that may come after: our own key is let in", () => {
  const many = Array.from({ length: 30 }, (_, index) => `ssh-rsa ${"A".repeat(600)} somebody@host${index}`);
  const text = onstartScript(["ssh-ed25519 BBBB ours", ...many], "x".repeat(1200));
  assert.ok(text.length < 4000, `${text.length}`);
  assert.ok(text.includes("'ssh-ed25519 BBBB ours'"));
});
