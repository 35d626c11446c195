import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type CredentialSearch, findCredentials } from "../../../components/credentials/credentials.ts";
import { netrcEntry } from "../../../components/credentials/netrc.ts";
import { problemLine } from "../../../components/lib/problem.ts";

function searchIn(t: TestContext, files: { env?: string; netrc?: string }) {
  const home = mkdtempSync(join(tmpdir(), "credentials-"));
  t.after(() => rmSync(home, { recursive: true }));
  if (files.env !== undefined) writeFileSync(join(home, ".env"), files.env);
  if (files.netrc !== undefined) writeFileSync(join(home, ".netrc"), files.netrc);
  const search: CredentialSearch = { forward: [], require: [], envFile: "~/.env", netrcFile: "~/.netrc" };
  return { home, search };
}

test("the environment comes before the files", (t) => {
  const { home, search } = searchIn(t, {
    env: "export HF_TOKEN='from file' # mine\r\nOTHER=\"x\"\n",
    netrc: "machine api.wandb.ai login user password w1\n",
  });
  const forward = ["HF_TOKEN", "OTHER", "WANDB_API_KEY", "ABSENT"];
  const { values, problems } = findCredentials({ ...search, forward }, { HOME: home, OTHER: "from environment" });
  assert.deepEqual(problems, []);
  assert.deepEqual(values, { HF_TOKEN: "from file", OTHER: "from environment", WANDB_API_KEY: "w1" });
});

const dialects: [text: string, value: string | undefined][] = [
  ["A=x", "x"],
  ["export A=x", "x"],
  ["export\tA=x", "x"],
  ["  export   A='x'  ", "x"],
  [" A = x ", "x"],
  ["A= x", undefined],
  ["A= B=x", undefined],
  ["A=x y", undefined],
  ["A='x y'", "x y"],
  ['A="x y" # mine', "x y"],
  ['A=`it\'s "x"`', undefined],
  ["A='x # y'", "x # y"],
  ["A=x # a comment", "x"],
  ["A=x#y # a comment", "x#y"],
  ["export A=it's#y", undefined],
  ['export A="it\'s#y"', "it's#y"],
  ["A=x#y\r\nB=1\r\n", "x#y"],
  ["# A=no\nA=x", "x"],
  ["A=x\r\nB=1\r\n", "x"],
  ["\uFEFFA=x", "x"],
  ["A=1\nA=x", "x"],
  ["A==x=", "=x="],
  ["A=$HOME", undefined],
  ["A='$HOME'", "$HOME"],
  ["A: x", "x"],
  ["A='one\ntwo'", "one\ntwo"],
  ["set -a\nA=x\nset +a", "x"],
  ["A=x; export A", "x"],
  ["no line of this kind\nA=x", "x"],
  ["A=", undefined],
  ["A=\r\nB=1", undefined],
  ['A=""', undefined],
  ["A=1\nA=", undefined],
  ["B=A=x", undefined],
  ["", undefined],
];

test("an env file in its dialects", (t) => {
  for (const [env, value] of dialects) {
    const { home, search } = searchIn(t, { env });
    assert.equal(findCredentials({ ...search, forward: ["A"] }, { HOME: home }).values.A, value, JSON.stringify(env));
  }
});

test("a file that something was taken from and that others may read is warned of, and is read all the same", (t) => {
  const files = { env: "A=1\n", netrc: "machine api.wandb.ai password w1\n" };
  const { home, search } = searchIn(t, files);
  const look = (forward: string[]) => findCredentials({ ...search, forward }, { HOME: home });
  chmodSync(join(home, ".env"), 0o600);
  chmodSync(join(home, ".netrc"), 0o644);
  assert.deepEqual(look(["A", "ABSENT"]).warnings, []);
  const { warnings, values, problems } = look(["A", "WANDB_API_KEY"]);
  assert.deepEqual([values.WANDB_API_KEY, problems], ["w1", []]);
  assert.match(warnings.join(), /^\S+\/\.netrc holds credentials, .*: chmod 600 \S+\/\.netrc$/);
});

test("a required name that is nowhere is a problem that names the three places", (t) => {
  const { home, search } = searchIn(t, { env: "HF_TOKEN=\n" });
  const { problems } = findCredentials({ ...search, require: ["HF_TOKEN"] }, { HOME: home });
  const [line = ""] = problems.map(problemLine);
  for (const place of ["environment", ".env", ".netrc", "HF_TOKEN"]) assert.ok(line.includes(place), line);
});

test("a required name is forwarded, but never DOCKERHUB_TOKEN", (t) => {
  const { home, search } = searchIn(t, { env: "A=1\nDOCKERHUB_TOKEN=2\n" });
  const { values, problems } = findCredentials({ ...search, require: ["A", "DOCKERHUB_TOKEN"] }, { HOME: home });
  assert.deepEqual(problems, []);
  assert.deepEqual(values, { A: "1" });
  const asked = findCredentials({ ...search, forward: ["DOCKERHUB_TOKEN"] }, { HOME: home });
  assert.deepEqual(asked.values, {});
  assert.deepEqual(
    asked.problems.map(({ key }) => key),
    ["forward"],
  );
});

const netrcs: [string, string | undefined][] = [
  ["machine api.wandb.ai login user password KEY", "KEY"],
  ["machine api.wandb.ai\n  login user\n  password KEY\nmachine other password NO", "KEY"],
  ["machine other login me password NO\nmachine api.wandb.ai\tpassword KEY\r\n", "KEY"],
  ["# machine api.wandb.ai password NO\nmachine api.wandb.ai password KEY", "KEY"],
  ['machine api.wandb.ai login "a b" password "K E"', "K E"],
  ["macdef init\nmachine api.wandb.ai password NO\n\nmachine api.wandb.ai password KEY", "KEY"],
  ["machine api.wandb.ai password KEY login user", "KEY"],
  ["machine api.wandb.ai login user account a password KEY", "KEY"],
  ["machine api.wandb.ai password KEY#1 # a comment", "KEY#1"],
  ['machine api.wandb.ai password "a\\"b"', 'a"b'],
  ["machine api.wandb.ai login user\nmacdef init\npassword NO\n\nmachine api.wandb.ai password KEY", "KEY"],
  ["machine api.wandb.ai password NO\nmachine api.wandb.ai password KEY", "KEY"],
  ["machine a password NO machine api.wandb.ai password KEY machine b password NO", "KEY"],
  ["machine API.wandb.ai.example.org password NO", undefined],
  ["machine a login machine password NO", undefined],
  ["default login me password NO", undefined],
  ["machine api.wandb.ai login user", undefined],
  ["machine api.wandb.ai login user\ndefault password NO", undefined],
  ["", undefined],
];

test("a server of one's own, and NETRC", (t) => {
  const netrc = "machine api.wandb.ai password no\nmachine wandb.lab:8443 password lab\n";
  const { home, search } = searchIn(t, { netrc });
  writeFileSync(join(home, "other"), netrc.replace("lab\n", "other\n"));
  const find = (more: object, env: object = {}) =>
    findCredentials({ ...search, forward: ["WANDB_API_KEY"], ...more }, { HOME: home, ...env }).values.WANDB_API_KEY;
  const wandbUrl = "https://wandb.lab:8443/";
  assert.equal(find({ wandbUrl }), "lab");
  assert.equal(find({ wandbUrl: "https://elsewhere" }), undefined);
  assert.equal(find({ wandbUrl }, { NETRC: "~/other" }), "other");
  assert.equal(find({ wandbUrl, netrcFile: "/none" }, { NETRC: "~/other" }), undefined, "what the config names");
});

test("netrc in its dialects", () => {
  for (const [text, password] of netrcs) assert.equal(netrcEntry(text, "api.wandb.ai")?.password, password, text);
});
