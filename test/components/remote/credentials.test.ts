import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { credentialsScript, forgetScript } from "../../../components/remote/scripts.ts";
import { openBox } from "./box.ts";

const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);

test("credentials lie in two files that nobody else can read, and survive any quoting", async (t) => {
  const box = openBox(t);
  const token = `it's "$HOME" \`x\` \\ and\na second line`;
  const script = credentialsScript({
    workspace: box.workspace,
    credentials: { TOKEN: token, WANDB_API_KEY: "w1" },
    publicKeys: [],
  });
  const result = await box.run(script);
  assert.equal(result.code, 0, result.err);
  assert.doesNotMatch(result.out + result.err, /w1|second line/);
  assert.equal(mode(join(box.workspace, ".env")), "600");
  assert.equal(mode(join(box.home, ".netrc")), "600");
  assert.equal(readFileSync(join(box.home, ".netrc"), "utf8"), "machine api.wandb.ai login user password w1\n");
  assert.equal((await box.run(`. ${box.workspace}/.env; printf %s "$TOKEN"`)).out, token);
});

test("without a wandb key the netrc of an earlier run goes, and another one stays", async (t) => {
  const box = openBox(t);
  const with_ = (credentials: Record<string, string>) =>
    box.run(credentialsScript({ workspace: box.workspace, credentials, publicKeys: [] }));
  await with_({ WANDB_API_KEY: "w1" });
  assert.equal((await with_({})).code, 0);
  assert.equal(existsSync(join(box.home, ".netrc")), false);
  box.write(join(box.home, ".netrc"), "machine other password x\n");
  assert.equal((await with_({})).code, 0);
  assert.equal(existsSync(join(box.home, ".netrc")), true);
});

test("what an image has in its netrc stays, behind ours, and is all that stays when ours is taken away", async (t) => {
  const box = openBox(t);
  const netrc = join(box.home, ".netrc");
  const theirs = "machine other\n  login me\n  password x\ndefault password y\nmacdef init\ncd /\n";
  box.write(netrc, theirs);
  const with_ = (credentials: Record<string, string>) =>
    box.run(credentialsScript({ workspace: box.workspace, credentials, publicKeys: [] }));
  for (const key of ["w1", "w2"]) {
    assert.equal((await with_({ WANDB_API_KEY: key })).code, 0);
    assert.equal(readFileSync(netrc, "utf8"), `machine api.wandb.ai login user password ${key}\n${theirs}`);
  }
  assert.equal(mode(netrc), "600");
  assert.equal((await box.run(forgetScript({ workspace: box.workspace }))).code, 0);
  assert.equal(readFileSync(netrc, "utf8"), theirs);
  assert.equal(existsSync(join(box.workspace, ".env")), false);
});

test("keys are added once, to whatever is there", async (t) => {
  const box = openBox(t);
  const keys = join(box.home, ".ssh", "authorized_keys");
  box.write(keys, "ssh-ed25519 AAAA0 launcher");
  const script = credentialsScript({
    workspace: box.workspace,
    credentials: {},
    publicKeys: ["ssh-ed25519 AAAA1 own key", "ssh-ed25519 AAAA2"],
  });
  for (let time = 0; time < 2; time++) assert.equal((await box.run(script)).code, 0);
  assert.equal(
    readFileSync(keys, "utf8"),
    "ssh-ed25519 AAAA0 launcher\nssh-ed25519 AAAA1 own key\nssh-ed25519 AAAA2\n",
  );
  assert.equal(mode(keys), "600");
});
