import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { Repositories } from "../../../simulator/stores/git.ts";

const run = promisify(execFile);

async function serveOne(t: TestContext) {
  const root = mkdtempSync(join(tmpdir(), "simulator-git-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const env = { PATH: process.env.PATH, HOME: root, GIT_CONFIG_NOSYSTEM: "1", GIT_TERMINAL_PROMPT: "0" };
  const git = async (...args: string[]) => (await run("git", args, { env })).stdout.trim();
  const identity = ["-c", "user.name=n", "-c", "user.email=e@example.org"];
  let made = 0;
  const repositories = new Repositories(root, async (name) => {
    if (name !== "one") throw new Error("there is only one");
    made += 1;
    const bare = join(root, name);
    await git("init", "--quiet", "--bare", bare);
    const tree = await git("-C", bare, "hash-object", "-t", "tree", "-w", "/dev/null");
    const commit = await git("-C", bare, ...identity, "commit-tree", tree, "-m", "first");
    await git("-C", bare, "update-ref", "refs/heads/main", commit);
    await git("-C", bare, "update-ref", "refs/heads/jan", commit);
  });
  const server = createServer((request, response) => {
    repositories.serve(request, response, new URL(request.url ?? "/", "http://127.0.0.1"));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/git`;
  return { root, url, git, identity, made: () => made };
}

test("branches are listed and cloned; the repository is made once", async (t) => {
  const { root, url, git, made } = await serveOne(t);
  const [listed] = await Promise.all([git("ls-remote", "--heads", `${url}/one`), git("ls-remote", `${url}/one`)]);
  assert.match(listed, /refs\/heads\/jan\n.*refs\/heads\/main/);
  await git("clone", "--quiet", "--depth", "1", "--branch", "jan", `${url}/one`, join(root, "clone"));
  assert.equal(await git("-C", join(root, "clone"), "log", "--format=%s"), "first");
  assert.equal(made(), 1);
});

test("a commit that is no branch's head can be fetched, as a pinned commit is", async (t) => {
  const { root, url, git, identity } = await serveOne(t);
  await git("ls-remote", `${url}/one`);
  const bare = join(root, "one");
  const pinned = await git("-C", bare, "rev-parse", "main");
  const next = await git("-C", bare, ...identity, "commit-tree", "main^{tree}", "-p", "main", "-m", "second");
  for (const branch of ["main", "jan"]) await git("-C", bare, "update-ref", `refs/heads/${branch}`, next);
  await git("init", "--quiet", join(root, "clone"));
  await git("-C", join(root, "clone"), "fetch", "--quiet", "--depth", "1", `${url}/one`, pinned);
  assert.equal(await git("-C", join(root, "clone"), "rev-parse", "FETCH_HEAD"), pinned);
});

test("nothing can be pushed, and other names are not served", async (t) => {
  const { root, url, git, identity } = await serveOne(t);
  await git("clone", "--quiet", "--branch", "main", `${url}/one`, join(root, "clone"));
  await git("-C", join(root, "clone"), ...identity, "commit", "--quiet", "--allow-empty", "-m", "mine");
  await assert.rejects(git("-C", join(root, "clone"), "push", "--quiet", "origin", "main"));
  await assert.rejects(git("ls-remote", `${url}/other`), /not found/);
});
