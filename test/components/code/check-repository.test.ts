import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { checkRepository } from "../../../components/code/check-repository.ts";
import { readConfig } from "../../../components/config/config.ts";
import { problemLine } from "../../../components/lib/problem.ts";
import { makeRepository } from "../remote/box.ts";

const lines = (check: { problems: readonly Parameters<typeof problemLine>[0][] }) => check.problems.map(problemLine);

test("a simulator's repository is found by its name while it runs, and never for a real machine", async (t) => {
  const home = mkdtempSync(join(tmpdir(), "repository-"));
  t.after(() => rmSync(home, { recursive: true }));
  const bare = join(home, "it.git");
  const [commit] = makeRepository(bare, "jan", { a: "1" });
  const env = { ...process.env, VAST_TRAINING_HOME: home };
  const ask = (repo: string, apiUrl = "simulator") =>
    checkRepository({ ...readConfig({}).config, repo, branch: "jan", apiUrl }, env);
  assert.match(lines(await ask("simulator:it"))[0] ?? "", /npm run -s simulator/);
  mkdirSync(join(home, "simulator"));
  writeFileSync(join(home, "simulator", "runtime.json"), JSON.stringify({ repos: { it: bare } }));
  const { value } = await ask("simulator:it");
  assert.deepEqual([value?.url, value?.commit, value?.way], [bare, commit, "none"]);
  assert.match(lines(await ask("simulator:other"))[0] ?? "", /simulator:it/);
  assert.match(lines(await ask("simulator:it", ""))[0] ?? "", /real machine/);
});

test("each way of a private repository says before anything is rented what it lacks", async (t) => {
  const home = mkdtempSync(join(tmpdir(), "repository-"));
  t.after(() => rmSync(home, { recursive: true }));
  const { config } = readConfig({ envFile: join(home, "env"), netrcFile: join(home, "netrc") });
  const env = { PATH: process.env.PATH, HOME: home, VAST_TRAINING_HOME: home };
  const ask = async (more: object, own: object = {}) =>
    lines(await checkRepository({ ...config, ...more }, { ...env, ...own })).join("\n");
  const ssh = { repo: "git@127.0.0.1:me/it" };
  const https = { repo: "https://127.0.0.1:1/me/it" };
  assert.match(await ask({ ...ssh, gitAuth: "none" }), /^gitAuth: .*no key for git@127\.0\.0\.1:me\/it; upload/);
  assert.match(await ask({ ...ssh, gitAuth: "token" }), /^gitAuth: it is token, and the machine has no key/);
  assert.match(await ask({ ...ssh, gitAuth: "agent" }), /^gitAuth: .*SSH_AUTH_SOCK names none; .*ssh-add/);
  assert.match(await ask({ ...ssh, gitAuth: "agent" }, { SSH_AUTH_SOCK: "/none" }), /no ssh agent answers at \/none/);
  assert.match(await ask({ ...https, gitAuth: "agent" }), /not an ssh URL/);
  assert.match(
    await ask({ ...https, gitAuth: "token" }),
    /GITHUB_TOKEN is neither in the environment nor in .*env; add a line/,
  );
  assert.match(await ask({ repo: "http://h/it", gitAuth: "token" }, { GITHUB_TOKEN: "x" }), /in clear text/);
  assert.match(await ask({ ...ssh }, { GIT_SSH_COMMAND: "false" }), /^repo: git@.* cannot be read: .*git ls-remote/);
});
