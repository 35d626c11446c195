import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { parse } from "yaml";
import { fetchCommit } from "../../../../components/code/git/cache.ts";
import { complaintsAbout, contentsOf } from "../../../../components/code/git/contents.ts";
import { complaint, git } from "../../../../components/code/git/git.ts";
import { provider } from "../../../../components/code/revision.provider.ts";
import { readConfig } from "../../../../components/config/config.ts";
import { troubleText } from "../../../../components/lib/problem.ts";

const POINTER = `version https://git-lfs.github.com/spec/v1\noid sha256:${"0".repeat(64)}\nsize 858152\n`;

/** Laid out as the repository that the dev stack trains: submodules, and files of Git LFS. */
async function openServer(t: TestContext) {
  const root = mkdtempSync(join(tmpdir(), "contents-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const tree = join(root, "tree");
  mkdirSync(join(tree, "data"), { recursive: true });
  const run = (...words: string[]) =>
    execFileSync("git", ["-C", tree, "-c", "user.name=x", "-c", "user.email=x@y", ...words], {
      encoding: "utf8",
    }).trim();
  run("init", "-q", "-b", "main");
  writeFileSync(join(tree, "data/one.pt"), POINTER);
  writeFileSync(join(tree, "data/two.pt"), POINTER.replace("858152", "7"));
  writeFileSync(join(tree, "notes.md"), `${POINTER}and more, so it is none`.padStart(9000));
  writeFileSync(join(tree, "pyproject.toml"), '[project]\nname = "it"\n');
  // Larger than what is fetched for a first look.
  writeFileSync(join(tree, "uv.lock"), '[[package]]\nname = "x"\n'.repeat(400));
  writeFileSync(join(tree, "poetry.lock"), "");
  writeFileSync(join(tree, ".gitmodules"), '[submodule "ref"]\n\tpath = ref\n\turl = https://example.org/ref\n');
  run("add", "-A");
  run("update-index", "--add", "--cacheinfo", `160000,${"1".repeat(40)},ref`);
  run("commit", "-qm", "x");
  const bare = join(root, "it.git");
  execFileSync("git", ["clone", "-q", "--bare", tree, bare]);
  execFileSync("git", ["-C", bare, "config", "uploadpack.allowFilter", "true"]);
  const source = {
    url: `file://${bare}`,
    commit: run("rev-parse", "HEAD"),
    ref: "refs/heads/main",
    login: "none" as const,
  };
  return { root, bare, source, state: { path: join(root, "state") } };
}

test("submodules and files of Git LFS are found without the rest, and remembered", async (t) => {
  const { bare, source, state } = await openServer(t);
  const { project, ...missing } = await contentsOf(state, source);
  assert.deepEqual(missing, {
    submodules: [{ path: "ref", commit: "1".repeat(40), url: "https://example.org/ref" }],
    lfs: ["data/one.pt", "data/two.pt"],
  });
  assert.deepEqual([project.files, project.packages], [["pyproject.toml", "uv.lock", "poetry.lock"], 400]);
  rmSync(bare, { recursive: true });
  assert.deepEqual(await contentsOf(state, source), { ...missing, project });
});

test("what is missing is said with what to write, unless extraRepos or exclude covers it", async () => {
  const missing = {
    submodules: [{ path: "deps/ref", commit: "1".repeat(40), url: "https://example.org/ref" }],
    lfs: ["data/one.pt", "data/two.pt"],
  };
  const ask = (extras: string[], exclude: string[] = []) =>
    complaintsAbout(missing, { codeDir: "/workspace/it", extraRepos: extras.map((path) => ({ path })), exclude });
  const [submodule = "", lfs = "", ...others] = (await ask([])).map(troubleText);
  assert.match(submodule, /deps\/ref is a submodule.*"path":"\/workspace\/it\/deps\/ref".*extraRepos/);
  assert.match(lfs, /data\/one\.pt and 1 more files are pointers of Git LFS.*extraRepos.*data\/ to exclude/);
  assert.deepEqual(others, []);
  for (const path of ["/workspace/it/deps/ref", "/workspace/ref"]) assert.equal((await ask([path])).length, 1, path);
  assert.deepEqual(await ask([], ["deps/ref/", "*.pt"]), []);
  assert.equal((await ask([], ["ref2", "data/one.pt"])).length, 2);
});

test("the revision is refused before anything is rented, with the sentence", async (t) => {
  const { root, source } = await openServer(t);
  process.env.VAST_TRAINING_HOME = join(root, "state");
  const plain = { way: "none" as const, tokenFor: "", envFile: "", netrcFile: "", sourceDir: "" };
  const whole = { ...plain, url: source.url, extraRepos: [], exclude: ["data/"] };
  const wish = { dependencies: "auto", extras: ["gpu"], groups: [], credentials: [] };
  const asked = { repo: "me/it", branch: "main", run: "", head: source.commit, isPinned: false, wish };
  const { failures } = await provider.check({}, { ...asked, whole });
  assert.equal(failures.length, 1);
  assert.match(failures[0]?.reason ?? "", /^me\/it at [0-9a-f]{12}: ref is a submodule/);
  const extra = { url: source.url, commit: "2".repeat(40), path: "/workspace/ref" };
  const more = await provider.check({}, { ...asked, whole: { ...whole, extraRepos: [extra] } });
  assert.match(more.failures.map(({ reason }) => reason).join("\n"), /^file:.* at 222222222222 cannot be read: /);
});

test("several processes may want the same commit; it appears whole, and only the last ones are kept", async (t) => {
  const { source, state, bare } = await openServer(t);
  const made = await Promise.all([1, 2, 3].map(() => fetchCommit(state, source)));
  assert.equal(new Set(made).size, 1);
  await git(["rev-list", "--objects", "--quiet", source.commit], { bare: made[0] ?? "" });
  assert.deepEqual(readdirSync(join(made[0] ?? "", "..")), [`${source.commit}.git`], "and no draft");
  for (let time = 0; time < 4; time++) {
    const tree = String(await git(["rev-parse", "main^{tree}"], { bare })).trim();
    const words = ["-c", "user.name=x", "-c", "user.email=x@y", "commit-tree", tree, "-m", String(time)];
    const commit = String(await git(words, { bare })).trim();
    await git(["update-ref", `refs/heads/b${time}`, commit], { bare });
    await fetchCommit(state, { ...source, commit });
  }
  assert.equal(readdirSync(join(made[0] ?? "", "..")).length, 3);
});

test("what git and ssh complain of", () => {
  const noKey =
    "git@h: Permission denied (publickey).\nfatal: Could not read from remote repository.\n\nPlease make sure";
  assert.equal(complaint(noKey), "git@h: Permission denied (publickey)");
  assert.equal(complaint("warning: x\nfatal: repository 'y' not found\n"), "repository 'y' not found");
});

test("what is suggested for a submodule can be pasted", async () => {
  const ask = async (path: string, url: string) => {
    const missing = { submodules: [{ path, commit: "1".repeat(40), url }], lfs: [] };
    const all = await complaintsAbout(missing, { codeDir: "/workspace/it", extraRepos: [], exclude: [] });
    const [sentence = ""] = all.map(troubleText);
    const [, entry] = /add (\{.*\}) to extraRepos/.exec(sentence) ?? [];
    const [, line = ""] = /add (\S+|".*") to exclude/.exec(sentence) ?? [];
    const { config, problems } = readConfig({
      extraRepos: `[${entry ?? ""}]`,
      exclude: `[${JSON.stringify(parse(line))}]`,
    });
    assert.deepEqual(problems, [], sentence);
    assert.deepEqual(
      await complaintsAbout(missing, { codeDir: "/workspace/it", extraRepos: [], exclude: config.exclude ?? [] }),
      [],
    );
    if (entry === undefined) return sentence;
    const extraRepos = config.extraRepos ?? [];
    assert.deepEqual(await complaintsAbout(missing, { codeDir: "/workspace/it", extraRepos, exclude: [] }), []);
    return "";
  };
  assert.equal(await ask("libs/a", "https://example.org/a.git"), "");
  assert.match(await ask("my lib", "https://example.org/a.git"), /its URL: https/);
  assert.match(await ask("a", "git://example.org/a.git"), /its URL: git:/);
  for (const path of ["#a", "!a", "a*b", "[a]", "a\\b", "größe", "a ", 'a"b']) await ask(path, "");
});
