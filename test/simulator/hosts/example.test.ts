import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { exampleRepository } from "../../../simulator/hosts/index.ts";
import { uvBinary } from "../../../simulator/hosts/uv.ts";
import { run, temporaryFolder } from "../../support/hosts.ts";

function hasUv(): boolean {
  try {
    return existsSync(uvBinary());
  } catch {
    return false;
  }
}

const needsUv = { skip: hasUv() ? false : "the example's lock needs uv, which `npm run setup -- --for test` brings" };

async function git(repository: string, ...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await run("git", ["-C", repository, ...words]);
  if (code !== 0) throw new Error(stderr);
  return stdout.trim();
}

test("the example has branches main and jan, and the same commits each time", needsUv, async (t) => {
  const folder = temporaryFolder(t);
  const one = await exampleRepository(join(folder, "one"));
  const other = await exampleRepository(join(folder, "other"));
  assert.equal(await git(one, "branch", "--format=%(refname:short)"), "jan\nmain");
  assert.equal(await git(one, "symbolic-ref", "HEAD"), "refs/heads/main");
  assert.equal(await git(one, "rev-parse", "main", "jan"), await git(other, "rev-parse", "main", "jan"));
  assert.equal(await git(one, "fsck", "--strict"), "");
  assert.equal(await git(one, "diff", "--name-only", "main", "jan"), "configs/train.yaml");
});

test("it has a lock, a link that leads nowhere, and nothing of how it is made", needsUv, async (t) => {
  const folder = temporaryFolder(t);
  const repository = await exampleRepository(join(folder, "tiny-train"));
  const files = (await git(repository, "ls-tree", "-r", "--name-only", "jan")).split("\n");
  for (const name of ["uv.lock", "pyproject.toml", "src/train.py", "README.md"]) assert.ok(files.includes(name), name);
  assert.equal(
    files.some((name) => /branches|__pycache__/.test(name)),
    false,
  );
  assert.match(await git(repository, "ls-tree", "jan", "datasets"), /^120000 /);
  assert.equal(existsSync(await git(repository, "show", "jan:datasets")), false);
});

test("made again, it is as new", needsUv, async (t) => {
  const folder = temporaryFolder(t);
  const repository = await exampleRepository(join(folder, "tiny-train"));
  const commit = await git(repository, "rev-parse", "jan");
  await git(repository, "update-ref", "refs/heads/jan", "main");
  writeFileSync(join(repository, "stray"), "");
  await exampleRepository(repository);
  assert.equal(await git(repository, "rev-parse", "jan"), commit);
  assert.equal(existsSync(join(repository, "stray")), false);
});
