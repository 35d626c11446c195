import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fuseText } from "../../../../components/remote/fuse.ts";
import { ONSTART } from "../../../../components/remote/scripts.ts";
import { onstartScript, SET_UP_MARK } from "../../../../components/vast/ready/onstart.ts";

const keys = ["ssh-ed25519 AAAAfirst it's mine", "ssh-rsa AAAAsecond $(touch owned)"];
const fuse = fuseText({
  apiUrl: "https://console.vast.ai",
  minutes: 9999,
  checkpointsDir: `/workspace/${"d".repeat(60)}`,
});

/** The longest that anybody uses, and how long each is in base64. */
const RSA = [2048, 4096];
const rsaLength = (bits: number) => Math.ceil((bits / 8 + 23) / 3) * 4;

/** Runs the script with a folder of ours in place of /root, and without the part that waits. */
function run(root: string, more = ""): void {
  const text = onstartScript(keys, { more }).replaceAll("/root", root).replace("-lt 60", "-lt 0");
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
  assert.deepEqual(lines, ["ssh-ed25519 AAAAfirst", "ssh-rsa AAAAsecond"], "without their comments");
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.ok(existsSync(SET_UP_MARK.replace("/root", root)));
  assert.ok(existsSync(join(root, "more")));
  assert.ok(!existsSync(join(root, "owned")));
});

test("is short enough for Vast with many keys, and with all that may come after: our own key is let in", () => {
  const many = Array.from({ length: 30 }, (_, index) => `ssh-rsa ${"A".repeat(600)} somebody@host${index}`);
  const own = ["ssh-ed25519 BBBB ours", ...RSA.map((bits) => `ssh-rsa ${"B".repeat(rsaLength(bits))} ours`)];
  for (const [key, more] of own.flatMap((one) => [[one, ONSTART] as const, [one, "x".repeat(600)] as const])) {
    const text = onstartScript([key, ...many], { fuse, more });
    assert.ok(Buffer.byteLength(text) < 4000, `${key.slice(0, 20)} ${key.length}: ${text.length}`);
    assert.ok(text.includes(`'${key.replace(" ours", "")}'`), "our own key is let in");
  }
});
