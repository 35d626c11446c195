import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type CodeStep, codeScript, repoName, trainScript } from "../../../components/remote/scripts.ts";
import { GUARD, makeRepository, openBox, TRAINING, until } from "./box.ts";

function openCode(t: TestContext, ...commits: Record<string, string>[]) {
  const box = openBox(t);
  const bare = join(box.root, "repo.git");
  const made = makeRepository(bare, "jan", ...commits);
  const step = (commit: string | undefined): CodeStep => ({
    ...GUARD,
    ...TRAINING,
    workspace: box.workspace,
    repo: `file://${bare}`,
    branch: "jan",
    commit: commit ?? "",
  });
  return { box, bare, made, step, code: join(box.workspace, "repo") };
}

test("the box gets exactly the pinned commit, also an older one than the branch has, and without history", async (t) => {
  const { box, made, step, code } = openCode(t, { a: "1", old: "" }, { a: "2" });
  const first = await box.run(codeScript(step(made[1])));
  assert.equal(first.code, 0, first.err);
  assert.equal(readFileSync(join(code, "a"), "utf8"), "2");
  assert.equal((await box.run(`git -C ${code} rev-list --count HEAD`)).out.trim(), "1");

  writeFileSync(join(code, "a"), "changed on the machine");
  assert.equal((await box.run(codeScript(step(made[0])))).code, 0);
  assert.equal(readFileSync(join(code, "a"), "utf8"), "1");
  assert.equal((await box.run(`git -C ${code} rev-parse HEAD`)).out.trim(), made[0]);
});

test("a server that sends no commit by its id is asked for the branch, and for its history", async (t) => {
  const { box, made, step, code } = openCode(t, { a: "1" }, { a: "2" }, { a: "3" });
  // With the first protocol a server refuses what no branch points to.
  const old = "export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=protocol.version GIT_CONFIG_VALUE_0=0\n";
  const result = await box.run(old + codeScript(step(made[0])));
  assert.equal(result.code, 0, result.err);
  assert.equal(readFileSync(join(code, "a"), "utf8"), "1");
});

test("a commit that the repository does not have fails with what to do", async (t) => {
  const { box, step } = openCode(t, { a: "1" });
  const result = await box.run(codeScript(step("f".repeat(40))));
  assert.notEqual(result.code, 0);
  assert.match(result.err, /logs\/code\.log|change run/);
});

test("a training of another commit is asked to stop before its code is changed, one of this commit is left alone", async (t) => {
  const { box, made, step, code } = openCode(t, { a: "1" }, { a: "2" });
  await box.run(codeScript(step(made[0])));
  const train = trainScript({
    ...step(made[0]),
    commit: made[0] ?? "",
    command: 'trap "cat a; exit" TERM; echo on; while :; do sleep 0.05; done',
    run: "",
    env: {},
    gpus: 1,
    checkpointsDir: join(box.workspace, "checkpoints"),
    wandbProject: "",
    pricePerHour: 1,
    stack: "local",
  });
  assert.equal((await box.run(train)).code, 0);
  writeFileSync(join(code, "a"), "being used");
  assert.doesNotMatch((await box.run(codeScript(step(made[0])))).out, /stopped/);
  assert.equal(readFileSync(join(code, "a"), "utf8"), "being used");
  assert.match((await box.run(codeScript(step(made[1])))).out, /training has stopped/);
  await until(
    () => box.read("train.log").includes("being used"),
    () => box.read("train.log"),
  );
  assert.equal(readFileSync(join(code, "a"), "utf8"), "2");
});

test("a repository's name is one word", () => {
  const names = {
    "https://github.com/ceselder/cot-oracle": "cot-oracle",
    "https://github.com/me/it.git/": "it",
    "http://127.0.0.1:4000/git/tiny-train": "tiny-train",
    "https://host/..": "code",
  };
  for (const [repo, name] of Object.entries(names)) assert.equal(repoName(repo), name);
});
