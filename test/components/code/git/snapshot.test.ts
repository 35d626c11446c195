import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { checkSource } from "../../../../components/code/check-source.ts";
import { patchFile, saveSource } from "../../../../components/code/git/snapshot.ts";
import { problemLine } from "../../../../components/lib/problem.ts";
import { bringTo } from "../../../../components/steps/code.provider.ts";
import { openPlace } from "../../../support/code-place.ts";
import { needsRoot } from "../../../support/sshd.ts";

/** What is asked of a folder, but for what a test asks. */
function wantedOf(sourceDir: string) {
  return { sourceDir, maxUploadMb: 1, codeDir: "/workspace/it", extraRepos: [], exclude: ["data/*.json"] };
}

function openFolder(t: TestContext) {
  const root = mkdtempSync(join(tmpdir(), "source-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const dir = join(root, "it");
  const git = (...words: string[]) =>
    execFileSync("git", ["-C", dir, "-c", "user.name=x", "-c", "user.email=x@y", ...words], {
      encoding: "utf8",
    }).trim();
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), text);
  };
  mkdirSync(dir);
  git("init", "-q", "-b", "main");
  write(".gitignore", "ignored/\n");
  write("a.py", "1\n");
  write("gone.py", "old\n");
  write("data/big.json", "x".repeat(5000));
  git("add", "-A");
  git("commit", "-qm", "x");
  const take = async (more: object = {}) => {
    const wanted = wantedOf(dir);
    return await checkSource({ path: join(root, "state") }, { ...wanted, ...more }, process.env);
  };
  const problems = async (more: object = {}) => (await take(more)).problems.map(problemLine).join("\n");
  return { root, dir, git, write, take, problems, state: { path: join(root, "state") } };
}

test("a snapshot is of the files alone, as they are; its patch makes them again from the commit", async (t) => {
  const { dir, root, git, write, take, state } = openFolder(t);
  const before = git("status", "--porcelain");
  write("a.py", "2\r\n");
  write("new.py", "n\n");
  write(".gitattributes", "*.py text eol=lf\n");
  write("ignored/x", "no");
  rmSync(join(dir, "gone.py"));
  symlinkSync("/nowhere", join(dir, "link"));
  chmodSync(join(dir, "new.py"), 0o755);
  const { value: one } = await take();
  assert.ok(one);
  assert.deepEqual([one.files, one.base], [5, git("rev-parse", "HEAD")]);
  assert.notEqual(git("status", "--porcelain"), before, "the folder's own index is not ours");

  saveSource(state, one);
  const clone = join(root, "clone");
  execFileSync("git", ["clone", "-q", dir, clone]);
  execFileSync("git", ["-C", clone, "apply", patchFile(state, one)]);
  assert.equal(readFileSync(join(clone, "a.py"), "utf8"), "2\r\n");
  assert.equal(existsSync(join(clone, "gone.py")), false);
  assert.equal(existsSync(join(clone, "data/big.json")), true, "what is left out is no change");

  git("add", "-A");
  git("commit", "-qm", "the same files");
  assert.equal((await take()).value?.commit, one.commit, "a commit that changes no file is no change");
  write("data/big.json", "other");
  assert.equal((await take()).value?.commit, one.commit, "nor is a file that is left out");
  write("a.py", "3\n");
  assert.notEqual((await take()).value?.commit, one.commit);
});

test("what cannot be sent is said with what to write", async (t) => {
  const { dir, root, write, git, problems } = openFolder(t);
  write("data/huge.bin", "x".repeat(2_000_000));
  assert.match(
    await problems(),
    /^maxUploadMb: 5 files have 2\.0 MB; the largest: data\/huge\.bin 2\.0 MB, |^maxUploadMb: .*data\/huge\.bin 2\.0 MB/,
  );
  assert.equal(await problems({ exclude: ["data/"] }), "");
  write("w.pt", `version https://git-lfs.github.com/spec/v1\noid sha256:${"0".repeat(64)}\nsize 1\n`);
  assert.match(await problems({ exclude: ["data/"] }), /w\.pt is a pointer of Git LFS.*exclude/);
  rmSync(join(dir, "w.pt"));
  git("update-index", "--add", "--cacheinfo", `160000,${git("rev-parse", "HEAD")},sub`);
  mkdirSync(join(dir, "sub"));
  assert.match(await problems({ exclude: ["data/"] }), /sub is a submodule.*extraRepos/);
  assert.equal(await problems({ exclude: ["data/"], extraRepos: [{ path: "/workspace/sub" }] }), "");
  assert.match(await problems({ sourceDir: join(root, "none") }), /^sourceDir: .*none is not a folder/);
  assert.match(await problems({ sourceDir: root }), /git does not work in/);
});

test("another repository within it is sent as a folder, by its own .gitignore", async (t) => {
  const { dir, write, take } = openFolder(t);
  write("other/.gitignore", "skip\n");
  write("other/skip", "");
  write("other/code.py", "");
  execFileSync("git", ["-C", join(dir, "other"), "init", "-q"]);
  const { value } = await take();
  assert.equal(value?.files, 5);
});

test(
  "the machine becomes a mirror of the files: what went here goes there, but for what is ignored, excluded or a checkpoint",
  needsRoot,
  async (t) => {
    const place = await openPlace(t);
    const { dir, write, take } = openFolder(t);
    process.env.VAST_TRAINING_HOME = join(place.box.root, "state");
    const state = { path: process.env.VAST_TRAINING_HOME };
    const wanted = wantedOf(dir);
    const code = join(place.box.workspace, "it");
    const bring = async () => {
      const { value } = await checkSource(state, wanted, process.env);
      assert.ok(value);
      const step = { repo: "https://example.org/it", commit: value.commit, way: "upload" as const, clean: true };
      const more = { exclude: wanted.exclude, checkpointsDir: join(code, "out") };
      const inputs = { ...place.inputs({ ...step, ...more }), sourceDir: dir };
      const shown: string[] = [];
      await bringTo(place.machine, inputs, { token: undefined, show: (text) => shown.push(text) });
      return shown;
    };
    await bring();
    assert.equal(place.logins(), 1);
    assert.equal(readFileSync(join(code, "a.py"), "utf8"), "1\n");
    assert.equal(existsSync(join(code, "data")), false);
    for (const path of ["stray.py", "ignored/x", "data/made.json", "out/step_1"]) place.box.write(join(code, path), "");
    rmSync(join(dir, "gone.py"));
    write("a.py", "2\n");
    const shown = await bring();
    assert.ok(
      shown.some((text) => /^sending the code, \d+\.0 bytes|^sending the code, \d+ bytes/.test(text)),
      shown.join("\n"),
    );
    assert.equal(readFileSync(join(code, "a.py"), "utf8"), "2\n");
    for (const path of ["gone.py", "stray.py"]) assert.equal(existsSync(join(code, path)), false, path);
    for (const path of ["ignored/x", "data/made.json", "out/step_1"])
      assert.equal(existsSync(join(code, path)), true, path);
    assert.equal((await take()).problems.length, 0);
  },
);
