import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { runInPty } from "../../support/pty.ts";

const module = JSON.stringify(join(import.meta.dirname, "../../../cli/command/foreground.ts"));
const words = JSON.stringify(["printf", "a\\033[2Jb\\033[31mc\\007\\n"]);
const script = (raw: boolean) =>
  `const { runInForeground } = await import(${module}); await runInForeground(${words}, process.env, ${raw});`;
const node = (raw: boolean) => ["--input-type=module", "-e", script(raw)];

test("what a machine writes is made safe for a terminal", async () => {
  const options = { cwd: ".", env: process.env, seen: /never/, keys: "" };
  const { screen } = await runInPty(process.execPath, node(false), options);
  assert.equal(screen, "ab\x1b[31mc\r\n\x1b[0m");
  const raw = await runInPty(process.execPath, node(true), options);
  assert.equal(raw.screen, "a\x1b[2Jb\x1b[31mc\x07\r\n", "attach gives the terminal away");
});

test("a file gets every byte", () => {
  const out = execFileSync(process.execPath, node(false), { encoding: "utf8" });
  assert.equal(out, "a\x1b[2Jb\x1b[31mc\x07\n");
});

const secrets = JSON.stringify(join(import.meta.dirname, "../../../components/lib/secrets.ts"));
const inTwo = JSON.stringify(["sh", "-c", "printf 'token ghp_abcdefgh'; sleep 0.2; printf 'ijklmnop\\nend'"]);
const hiding = `const { learnSecrets } = await import(${secrets}); learnSecrets(["ghp_abcdefghijklmnop"]);
  const { runInForeground } = await import(${module}); await runInForeground(${inTwo}, process.env);`;

test("a credential that comes in two parts is taken out, for a terminal and for a file", async () => {
  const words = ["--input-type=module", "-e", hiding];
  assert.equal(execFileSync(process.execPath, words, { encoding: "utf8" }), "token [secret]\nend");
  const { screen } = await runInPty(process.execPath, words, { cwd: ".", env: process.env, seen: /never/, keys: "" });
  assert.equal(screen, "token [secret]\r\nend");
});
