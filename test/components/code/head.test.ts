import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, type TestContext, test } from "node:test";
import { checkRepository } from "../../../components/code/check-repository.ts";
import { headIn, refsIn, twinsOf } from "../../../components/code/head.ts";
import { readConfig } from "../../../components/config/config.ts";
import { problemLine } from "../../../components/lib/problem.ts";
import { gitOverHttp, gitOverSsh } from "../../support/code-place.ts";
import { makeRepository } from "../remote/box.ts";

const before = { ...process.env };
beforeEach(() => {
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
  Object.assign(process.env, before);
});

const lines = (check: { problems: readonly Parameters<typeof problemLine>[0][] }) =>
  check.problems.map(problemLine).join("\n");

function openHome(t: TestContext) {
  const root = mkdtempSync(join(tmpdir(), "head-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  mkdirSync(join(root, "home"));
  const env = { ...process.env, HOME: join(root, "home"), VAST_TRAINING_HOME: join(root, "state") };
  const { config } = readConfig({ envFile: join(root, "env"), netrcFile: join(root, "netrc"), branch: "main" });
  const ask = async (more: object, own: object = {}) =>
    lines(await checkRepository({ ...config, ...more }, { ...env, ...own }));
  return { root, ask, write: (path: string, text: string) => writeFileSync(join(root, path), text, { mode: 0o600 }) };
}

test("a repository that only the user's own git can read is refused before anything is rented, with the way out", async (t) => {
  const { root, ask, write } = openHome(t);
  const [commit = ""] = makeRepository(join(root, "it.git"), "main", { a: "1" });
  const serve = await gitOverHttp(t, root, "secret");
  const repo = serve("it.git");
  const settled =
    /^gitAuth: .*it\.git is readable only with your own git's login.*could not read Username.*; set gitAuth to upload/;
  assert.match(await ask({ repo }), /^repo: .* cannot be read: .*else set gitAuth/, "nobody can");
  write("home/.netrc", "machine 127.0.0.1 login me password secret\n");
  assert.match(await ask({ repo }), settled);
  assert.equal(await ask({ repo, gitAuth: "upload" }), "");
  assert.match(
    await ask({ repo, gitAuth: "token" }, { GITHUB_TOKEN: "other" }),
    /upload.*or give GITHUB_TOKEN the right/,
  );
  assert.equal(await ask({ repo, gitAuth: "token" }, { GITHUB_TOKEN: "secret" }), "");
  const open = join(root, "open.git");
  makeRepository(open, "main", { a: "1" });
  const extraRepos = [{ url: repo, commit, path: "/workspace/x" }];
  assert.match(await ask({ repo: `file://${open}`, extraRepos }), settled, "whatever lies beside it as well");
  rmSync(join(root, "home/.netrc"));
  write("home/.gitconfig", `[url "file://${root}/"]\n insteadOf = ${repo.replace("it.git", "")}\n`);
  assert.match(await ask({ repo }), settled);
});

test("agent: a key of which only a file is here does not count", async (t) => {
  const { root, ask, write } = openHome(t);
  makeRepository(join(root, "it.git"), "main", { a: "1" });
  const server = await gitOverSsh(t, root);
  const repo = server.url("it.git");
  const own = () => ({ SSH_AUTH_SOCK: process.env.SSH_AUTH_SOCK, GIT_SSH_COMMAND: process.env.GIT_SSH_COMMAND });
  assert.equal(await ask({ repo, gitAuth: "agent" }, own()), "");
  execFileSync("ssh-add", ["-q", "-D"], { stdio: "ignore" });
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(root, "other")]);
  execFileSync("ssh-add", ["-q", join(root, "other")]);
  write("id", server.privateKey);
  process.env.GIT_SSH_COMMAND += ` -i ${join(root, "id")}`;
  assert.equal(await ask({ repo, gitAuth: "upload" }, own()), "");
  assert.match(
    await ask({ repo, gitAuth: "agent" }, own()),
    /^gitAuth: .*Permission denied.*upload.*or ssh-add the key/,
  );
});

test("a branch has its last commit; a tag or a commit in its place is told as such, and how to pin it", (t) => {
  const root = mkdtempSync(join(tmpdir(), "head-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const bare = join(root, "it.git");
  const [first = "", last = ""] = makeRepository(bare, "main", { a: "1" }, { a: "2" });
  const git = (...words: string[]) =>
    execFileSync("git", ["-C", bare, "-c", "user.name=x", "-c", "user.email=x@y", ...words], { encoding: "utf8" });
  git("tag", "v1.0", first);
  git("tag", "-a", "v2", "-m", "with an object of its own", last);
  git("branch", "1.10", first);
  const refs = refsIn(git("ls-remote", "--heads", "--tags", "."));
  const ask = (branch: string, pinned = "") => headIn(refs, "REPO", branch, pinned);
  assert.deepEqual([ask("main").value, ask("1.10").value, ask("main", first).value], [last, first, first]);
  assert.deepEqual(
    twinsOf(
      {
        heads: new Map([
          ["1.1", ""],
          ["1.10", ""],
          ["2", ""],
          ["main", ""],
        ]),
        tags: new Map(),
      },
      "1.1",
    ),
    ["1.10"],
  );
  const said = (branch: string) => lines(ask(branch));
  assert.equal(said("mian"), "branch: REPO has no branch mian; did you mean main?");
  assert.equal(said("1.1"), 'branch: REPO has no branch 1.1; did you mean "1.10"?');
  assert.match(
    said("v1.0"),
    new RegExp(`^branch: v1.0 is a tag of REPO, .*; set commit to "?${first}"?, and branch to "1.10"$`),
  );
  assert.match(said("v2"), new RegExp(`^branch: v2 is a tag .*; set commit to "?${last}"?, and branch to main$`));
  assert.match(
    said(first.slice(0, 9)),
    new RegExp(`no branch .*, and it looks like a commit; set commit to "?${first}`),
  );
  assert.match(said("f".repeat(40)), /set commit to f{40}, and branch to the branch that it is on/);
  assert.match(said("fffffff"), /write its whole id to commit \(git rev-parse fffffff\)/);
  assert.match(lines(headIn(refsIn(""), "REPO", "main", "")), /push a branch first/);
});
