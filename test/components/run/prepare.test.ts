import assert from "node:assert/strict";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { prepare } from "../../../components/run/prepare.ts";
import { simulate } from "../../support/simulator.ts";
import { makeRepository } from "../remote/box.ts";

/** A user's home, a repository, and Vast with an account. */
async function openHome(t: TestContext) {
  const { home: state, env: where, simulator } = await simulate(t, { pace: false });
  const home = join(state, "user");
  mkdirSync(home);
  const bare = join(home, "it.git");
  const [commit] = makeRepository(bare, "jan", { a: "1" });
  const env = { PATH: process.env.PATH, HOME: home, ...where };
  const config = { apiUrl: simulator.url, apiKeyFile: simulator.apiKeyFile, repo: "https://127.0.0.1:1/none/it" };
  return { home, env, commit, config, bare, simulator };
}

function configure(values: Record<string, string>): void {
  pulumi.runtime.setMocks(
    { newResource: () => ({ id: "", state: {} }), call: () => ({}) },
    "vast-training",
    "local",
    true,
  );
  const named = Object.entries(values).map(([key, value]) => [`vast-training:${key}`, value]);
  pulumi.runtime.setAllConfig(Object.fromEntries([...named, ["other:key", "x"]]));
}

const failure = async (promise: Promise<unknown>) => {
  const error = await promise.then(
    () => assert.fail("it should be refused"),
    (reason) => reason,
  );
  assert.ok(pulumi.RunError.isInstance(error), String(error));
  return error.message as string;
};

test("every problem is in one error, and no other namespace is looked at", async (t) => {
  const { home, env, config } = await openHome(t);
  writeFileSync(join(home, "file"), "");
  configure({
    ...config,
    gpus: "three",
    maxprice: "3",
    require: "NO_SUCH_TOKEN",
    checkpointsTo: join(home, "file", "x"),
    sshKey: "~/no-key",
    apiKeyFile: join(home, "no-key-file"),
  });
  const text = await failure(prepare("run", env));
  for (const key of ["gpus", "maxprice", "require", "checkpointsTo", "sshKey", "apiKeyFile", "repo"]) {
    assert.match(text, new RegExp(`^ {2}${key}: .*; `, "m"));
  }
  assert.match(text, /^Stack local has 7 problems/);
});

test("when anything else is wrong the market is searched too", async (t) => {
  const { env, config } = await openHome(t);
  configure({ ...config, require: "NO_SUCH_TOKEN", maxPricePerHour: "0.01" });
  const text = await failure(prepare("run", env));
  assert.match(text, /NO_SUCH_TOKEN/);
  assert.match(text, /maxPricePerHour: none of \d+ offers/);
});

test("a key that Vast refuses is told with where it was found", async (t) => {
  const { home, env, config } = await openHome(t);
  writeFileSync(join(home, "key"), "wrong\n");
  configure({ ...config, apiKeyFile: join(home, "key") });
  assert.match(await failure(prepare("run", env)), new RegExp(`apiKeyFile: .*${join(home, "key")}`));
});

test("the lab's folder must be there; where nothing can be noted, that is said", async (t) => {
  const { home, env, config } = await openHome(t);
  for (const [labDir, why] of [
    ["~/lab", `labDir: ${join(home, "lab")} is not there; `],
    ["~/file", `labDir: ${join(home, "file")} is not a folder; `],
  ] as const) {
    writeFileSync(join(home, "file"), "");
    configure({ ...config, labDir });
    assert.ok((await failure(prepare("run", env))).includes(why), why);
  }
  mkdirSync(join(home, "lab"));
  configure({ ...config, labDir: "~/lab" });
  assert.doesNotMatch(await failure(prepare("run", env)), /labDir/);
});

test("a run that can start is complete, whatever the account has left, and nothing was made for it", async (t) => {
  const { home, env, config, commit, bare, simulator } = await openHome(t);
  // Its machine may have been rented long ago.
  simulator.world.account.paidIn = 0.01;
  writeFileSync(join(env.VAST_TRAINING_HOME, "simulator", "runtime.json"), JSON.stringify({ repos: { it: bare } }));
  writeFileSync(join(home, ".env"), "HF_TOKEN=canary\n");
  configure({ ...config, repo: "simulator:it", checkpointsTo: "~/checkpoints" });
  const prepared = await prepare("run", env);
  assert.deepEqual([prepared.head.url, prepared.head.commit, prepared.head.way], [bare, commit, "none"]);
  assert.equal(prepared.checkpointsTo, join(home, "checkpoints"));
  assert.equal(existsSync(prepared.checkpointsTo), false);
  assert.deepEqual(Object.keys(prepared.fingerprints), ["HF_TOKEN"]);
  assert.equal(JSON.stringify(prepared).includes("canary"), false, "no value leaves the search");
  assert.match(prepared.keys.publicKeys[0] ?? "", /^ssh-ed25519 /);
  assert.equal(existsSync(prepared.agentSocket), false, "a preview serves no agent");
});
