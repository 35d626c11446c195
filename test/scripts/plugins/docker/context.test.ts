import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { type TestContext, test } from "node:test";
import { digestOf, openContext, packContext } from "../../../../scripts/plugins/docker/context.ts";
import { ignoring } from "../../../../scripts/plugins/docker/ignore.ts";

test("an ignore file decides as Docker's does", () => {
  const cases: [file: string, ignored: string[], kept: string[]][] = [
    ["", [], ["a", ".git/config"]],
    ["# a\n\n  b  \n", ["b", "b/c"], ["a", "# a"]],
    ["*\n!uv.lock\n!/pyproject.toml", ["src", "src/uv.lock", ".env"], ["uv.lock", "pyproject.toml"]],
    ["src/*.py", ["src/a.py"], ["src/b/a.py", "a.py", "src"]],
    ["**/*.py", ["a.py", "src/b/a.py"], ["a.pyc"]],
    ["**/cache", ["cache", "a/b/cache/c"], ["cached"]],
    ["data/**", ["data/a", "data/b/c"], ["data"]],
    ["a?c\n[x-z]1", ["abc", "y1"], ["a/c", "w1"]],
    ["docs/\n!docs/README.md", ["docs/a"], ["docs/README.md"]],
    ["!a\na", ["a"], []],
    ["./b/../c", ["c"], ["b"]],
    ["a+b (1)\n\\*", ["a+b (1)", "*"], ["aab (1)", "x"]],
  ];
  for (const [file, ignored, kept] of cases) {
    const { covers } = ignoring(file);
    assert.deepEqual(
      ignored.filter((path) => !covers(path)),
      [],
      file,
    );
    assert.deepEqual(kept.filter(covers), [], file);
  }
});

test("a folder is passed by only when nothing in it can be kept", () => {
  assert.ok(ignoring("*\n!uv.lock\n!keep/this").coversAllIn("data"));
  assert.ok(!ignoring("*\n!uv.lock\n!keep/this").coversAllIn("keep"));
  assert.ok(!ignoring("*\n!**/uv.lock").coversAllIn("data"));
});

function layOut(t: TestContext, files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), "vast-context-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text, { mode: 0o644 });
  }
  return folder;
}

const open = (folder: string) => openContext(folder, join(folder, "Dockerfile"));

test("the digest changes with what can change a build, and with nothing else", (t) => {
  const folder = layOut(t, { Dockerfile: "FROM a\n", ".dockerignore": "ignored\n", ignored: "1", a: "1", "b/c": "1" });
  const seen = new Set([digestOf(open(folder))]);
  const isNew = (is: boolean) => {
    const digest = digestOf(open(folder));
    assert.equal(!seen.has(digest), is);
    seen.add(digest);
  };
  writeFileSync(join(folder, "ignored"), "2");
  isNew(false);
  writeFileSync(join(folder, "b/c"), "2");
  isNew(true);
  chmodSync(join(folder, "a"), 0o755);
  isNew(true);
  symlinkSync("a", join(folder, "link"));
  isNew(true);
  writeFileSync(join(folder, "Dockerfile"), "FROM b\n");
  isNew(true);
  writeFileSync(join(folder, "Dockerfile.dockerignore"), "*\n");
  isNew(true);
  writeFileSync(join(folder, "a"), "2");
  isNew(false);
});

test("the digest is made of names, modes and contents, in the order of a walk", (t) => {
  const folder = layOut(t, {
    Dockerfile: "FROM a\n",
    ".dockerignore": "Dockerfile\n.dockerignore\n",
    "b/z": "1",
    "b.txt": "2",
  });
  const sha = (text: string) => createHash("sha256").update(text);
  const parts = [
    ["Dockerfile", "----------", "FROM a\n"],
    ["b/z", "-rw-r--r--", "1"],
    ["b.txt", "-rw-r--r--", "2"],
  ];
  const whole = createHash("sha256");
  for (const [name = "", mode = "", text = ""] of parts)
    whole
      .update(name + mode)
      .update(sha(text).digest())
      .update("\0");
  assert.equal(digestOf(open(folder)), whole.digest("hex"));
});

test("what is packed is what the ignore file lets through, and the Dockerfile", async (t) => {
  const folder = layOut(t, { Dockerfile: "FROM a\n", ".dockerignore": "*\n!b c\n", a: "1", "b c/-d": "1" });
  const tar = packContext(open(folder));
  const bytes = await buffer(tar.stdout as Readable);
  const names = execFileSync("tar", ["--list"], { input: bytes, encoding: "utf8" }).trim().split("\n");
  assert.deepEqual(names, ["./b c/", "./b c/-d", "./Dockerfile", "./.dockerignore"]);
});

test("a Dockerfile that is not there, or not inside, is an error with a hint", (t) => {
  const folder = layOut(t, { Dockerfile: "FROM a\n", "b/x": "" });
  assert.throws(() => openContext(folder, "Dockerfile"), /Try setting `dockerfile` to ".*\/Dockerfile"/);
  assert.throws(() => openContext(folder, "Nowhere"), /could not open dockerfile at relative path "Nowhere"\.$/);
  assert.throws(() => openContext(join(folder, "b"), join(folder, "Dockerfile")), /inside the context/);
});
