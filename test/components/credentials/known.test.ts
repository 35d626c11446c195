import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { learnCredentials, noteSearch } from "../../../components/credentials/known.ts";
import { hidden } from "../../../components/lib/secrets.ts";
import { openStateDir } from "../../../components/lib/state-dir.ts";

function openHome(t: TestContext) {
  const home = mkdtempSync(join(tmpdir(), "known-"));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  const env = { HOME: home, VAST_TRAINING_HOME: join(home, "state") };
  return { home, env, dir: openStateDir(env) };
}

test("every value of ~/.env, every password of ~/.netrc and the usual names in the environment are known", (t) => {
  const { home, env } = openHome(t);
  mkdirSync(join(home, "data"));
  writeFileSync(join(home, ".env"), `export ANY="in the env file"\nSHORT=seven77\nDATA=${home}/data\n`);
  const logins = 'machine one login it password password-one\nmachine two password "word-two"\n';
  writeFileSync(join(home, ".netrc"), `${logins}machine three login token-three password x-oauth-basic\n`);
  learnCredentials({ ...env, DOCKERHUB_TOKEN: "of-the-environment" });
  for (const value of ["in the env file", "password-one", "word-two", "token-three", "of-the-environment"])
    assert.equal(hidden(`(${value})`).includes(value), false, value);
  assert.equal(hidden(`seven77 ${home}/data x-oauth-basic`), `seven77 ${home}/data x-oauth-basic`);
});

test("where credentials were looked for once is known to what runs later, and holds none", (t) => {
  const { home, env, dir } = openHome(t);
  const search = { envFile: join(home, "mine"), netrcFile: "~/other", forward: ["MY_OWN"], require: ["MUST"] };
  writeFileSync(search.envFile, "X=in-my-own-file\n");
  writeFileSync(join(home, "other"), "default login x password of-any-machine\n");
  noteSearch(dir, search, env);
  noteSearch(dir, { ...search, envFile: "~/.env" }, env);
  const note = readFileSync(join(dir.path, "credential-places.json"), "utf8");
  noteSearch(dir, search, env);
  assert.equal(readFileSync(join(dir.path, "credential-places.json"), "utf8"), note);
  assert.deepEqual(JSON.parse(note), {
    files: [search.envFile, join(home, "other"), join(home, ".env")],
    names: ["MY_OWN", "MUST"],
  });
  learnCredentials({ ...env, MY_OWN: "value-of-my-own" });
  assert.equal(hidden("in-my-own-file, of-any-machine, value-of-my-own"), "[secret], [secret], [secret]");
});

test("a note that is broken hinders nothing", (t) => {
  const { env, dir } = openHome(t);
  writeFileSync(join(dir.path, "credential-places.json"), "{");
  learnCredentials(env);
  noteSearch(dir, { envFile: "a", netrcFile: "b", forward: [], require: [] }, env);
  assert.equal(JSON.parse(readFileSync(join(dir.path, "credential-places.json"), "utf8")).files.length, 2);
});
