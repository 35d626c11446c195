import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { appendLine, linesIn } from "../../../components/lib/lines.ts";

const NOBODY = 65534;

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), "vast-lines-test-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

const lines = (dir: string) => linesIn(dir).filter((line) => line !== "");

test("a line is in a file of this user and host that others may read, whatever the umask", (t) => {
  const dir = folder(t);
  const before = process.umask(0o077);
  t.after(() => process.umask(before));
  appendLine(dir, "one");
  appendLine(dir, "two");
  const [name, ...others] = readdirSync(dir);
  assert.deepEqual(others, []);
  assert.match(name ?? "", new RegExp(`^[\\w-]+-${process.getuid?.()}\\.1\\.jsonl$`));
  assert.equal(statSync(join(dir, name ?? "")).mode & 0o777, 0o644);
  assert.deepEqual(lines(dir), ["one", "two"]);
});

test("processes that append at once lose nothing and mix nothing, also when files are full", async (t) => {
  const dir = folder(t);
  const module = new URL("../../../components/lib/lines.ts", import.meta.url).href;
  const each = 400;
  const code = `import(${JSON.stringify(module)}).then(({ appendLine }) => {
    for (let n = 0; n < ${each}; n++) appendLine(process.argv[1], process.argv[2] + n + ":" + "x".repeat(200));
  })`;
  const processes = ["a", "b"].map((name) => promisify(execFile)(process.execPath, ["-e", code, dir, name]));
  await Promise.all(processes);
  const whole = readdirSync(dir).flatMap((name) => readFileSync(join(dir, name), "utf8").split("\n"));
  const kept = whole.filter((line) => line !== "");
  assert.ok(readdirSync(dir).length === 2, `${readdirSync(dir)}`);
  assert.ok(kept.every((line) => /^[ab]\d+:x{200}$/.test(line)));
  assert.equal(new Set(kept).size, 2 * each);
});

test("our files are bounded: the newest lines stay, and nobody else's file is removed", (t) => {
  const dir = folder(t);
  const theirs = join(dir, "other-9.1.jsonl");
  writeFileSync(theirs, "theirs\n");
  for (let number = 0; number < 700; number++) appendLine(dir, `${number}:${"x".repeat(900)}`);
  const own = readdirSync(dir).filter((name) => name !== "other-9.1.jsonl");
  assert.ok(own.length <= 2, `${own}`);
  assert.ok(own.every((name) => statSync(join(dir, name)).size < 130 * 1024));
  assert.ok(own.some((name) => readFileSync(join(dir, name), "utf8").includes("699:")));
  assert.equal(readFileSync(theirs, "utf8"), "theirs\n");
});

test("of a large file the end is read, from a line's beginning on", (t) => {
  const dir = folder(t);
  writeFileSync(join(dir, "other-9.1.jsonl"), Array.from({ length: 40_000 }, (_, n) => `line ${n}\n`).join(""));
  const found = lines(dir);
  assert.equal(found.at(-1), "line 39999");
  assert.ok(found.every((line) => /^line \d+$/.test(line)));
  assert.ok(found.join("\n").length <= 256 * 1024);
});

test("of many files some are read, ours among them", (t) => {
  const dir = folder(t);
  for (let number = 0; number < 200; number++) writeFileSync(join(dir, `0${number}.jsonl`), `${number}\n`);
  appendLine(dir, "ours");
  const found = lines(dir);
  assert.equal(found.length, 64);
  assert.ok(found.includes("ours"));
});

test("links, pipes, folders and what may not be read have no lines, and hold nothing up", (t) => {
  const dir = folder(t);
  writeFileSync(join(dir, "secret"), "secret\n");
  symlinkSync(join(dir, "secret"), join(dir, "link.jsonl"));
  symlinkSync("/dev/zero", join(dir, "zero.jsonl"));
  execFileSync("mkfifo", [join(dir, "pipe.jsonl")]);
  mkdirSync(join(dir, "folder.jsonl"));
  writeFileSync(join(dir, "note.txt"), "note\n");
  writeFileSync(join(dir, "good.jsonl"), "good\n");
  assert.deepEqual(lines(dir), ["good"]);
  assert.throws(() => linesIn(join(dir, "missing")), /missing cannot be used/);
});

test("what a full disk cut off takes no other line with it", (t) => {
  const dir = folder(t);
  appendLine(dir, "one");
  const [name = ""] = readdirSync(dir);
  writeFileSync(join(dir, name), '{"half":', { flag: "a" });
  appendLine(dir, "two");
  assert.deepEqual(lines(dir), ["one", '{"half":', "two"]);
});

test("a file or link that somebody has put in the place of ours is not written to", {
  skip: process.getuid?.() !== 0,
}, (t) => {
  const dir = folder(t);
  appendLine(dir, "one");
  const [name = ""] = readdirSync(dir);
  rmSync(join(dir, name));
  symlinkSync(join(dir, "victim"), join(dir, name));
  writeFileSync(join(dir, "victim"), "");
  assert.throws(() => appendLine(dir, "two"));
  rmSync(join(dir, name));
  writeFileSync(join(dir, name), "theirs\n");
  chownSync(join(dir, name), NOBODY, NOBODY);
  assert.throws(() => appendLine(dir, "two"), /is not a file of yours/);
  assert.deepEqual(
    [readFileSync(join(dir, name), "utf8"), readFileSync(join(dir, "victim"), "utf8")],
    ["theirs\n", ""],
  );
  // A number that a stranger has taken moves none of ours.
  chmodSync(dir, 0o777);
  rmSync(join(dir, name));
  writeFileSync(join(dir, name.replace(".1.", ".77.")), "theirs\n");
  chownSync(join(dir, name.replace(".1.", ".77.")), NOBODY, NOBODY);
  appendLine(dir, "three");
  assert.match(readFileSync(join(dir, name), "utf8"), /three/);
});
