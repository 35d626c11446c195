import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { planImage } from "../../../../components/image/build/build.ts";
import type { PlanInputs } from "../../../../components/image/build/state.ts";
import { pushImage } from "../../../support/docker/push.ts";
import { noRegistry, startRegistry } from "../../../support/docker/registry.ts";
import { simulate } from "../../../support/simulator.ts";

const login = { username: "tester", password: "canary-of-the-registry" };

/** A folder with the files of a build, and a registry for one login. */
async function open(t: TestContext) {
  const { home: folder, simulator } = await simulate(t, { pace: false });
  const before = { ...process.env };
  Object.assign(process.env, { VAST_TRAINING_HOME: join(folder, "state"), DOCKER_HOST: "unix:///not/there.sock" });
  const registry = await startRegistry(join(folder, "registry"), login);
  t.after(async () => {
    process.env = before;
    await registry.close();
  });
  const envFile = join(folder, "env");
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
  write("env", `REGISTRY_TOKEN=${login.password}\n`);
  write("pyproject.toml", "p");
  write("uv.lock", "l");
  const code = { url: "https://github.com/me/it", way: "upload", tokenFor: "", envFile, netrcFile: "", extraRepos: [] };
  const asked: PlanInputs = {
    ...{ image: `${registry.address}/tester/deps`, imageBuild: "remote", imageBase: "base:1", registryUser: "" },
    ...{ envFile, apiUrl: simulator.url, branch: "jan", commit: "c".repeat(40), options: "" },
    builder: {
      apiUrl: simulator.url,
      apiKeyFile: simulator.apiKeyFile,
      sshKey: "",
      maxPricePerHour: 1,
      maxMinutes: 90,
    },
    code: { ...code, way: "upload", sourceDir: folder },
  };
  return { registry, asked, write, folder };
}

test("what stands in the way of a build is found before it, each with its key", { skip: noRegistry() }, async (t) => {
  const { asked, write, folder } = await open(t);
  const failure = async (changes: Partial<PlanInputs>) => {
    const { failures, text } = await planImage({}, { ...asked, ...changes });
    assert.equal(text, undefined);
    assert.equal(failures.length, 1);
    assert.doesNotMatch(JSON.stringify(failures), /canary/);
    return `${failures[0]?.property}: ${failures[0]?.reason}`;
  };
  assert.match(
    await failure({ imageBuild: "local" }),
    /^imageBuild: no Docker engine answers at unix:\/\/\/not\/there.sock \(ENOENT\);.* set imageBuild to remote$/,
  );
  assert.match(await failure({ registryUser: "nobody" }), /^image: .* refuses the login of "nobody"/);
  const cheap = { builder: { ...asked.builder, maxPricePerHour: 0.001 } };
  assert.match(await failure(cheap), /^builderMaxPricePerHour: no virtual machine to build on: .*above \$0\.001/);
  const keyless = { builder: { ...asked.builder, apiKeyFile: "/not/there" } };
  assert.match(await failure(keyless), /^apiKeyFile: .*\/not\/there/);
  write("env", "REGISTRY_TOKEN=another\n");
  assert.match(await failure({}), /^image: .* refuses the login of "tester"/);
  write("env", "");
  assert.match(
    await failure({}),
    /^imageBuild: REGISTRY_TOKEN is neither in the environment nor in .*pushed as tester$/,
  );
  rmSync(join(folder, "uv.lock"));
  assert.match(await failure({}), /^imageBuild: pyproject.toml of https:\/\/github.com\/me\/it describes no project/);
  rmSync(join(folder, "pyproject.toml"));
  assert.match(await failure({}), /^imageBuild: https:\/\/github.com\/me\/it has no pyproject.toml$/);
});

test("a build is planned only for what the registry lacks, whoever put it there", { skip: noRegistry() }, async (t) => {
  const { registry, asked, write } = await open(t);
  const plan = (olds: object = {}, changes: Partial<PlanInputs> = {}) => planImage(olds, { ...asked, ...changes });
  const { text = "", tag, parts, pinned } = await plan();
  assert.equal(pinned, undefined);
  const [what, where] = text.split("; ");
  assert.equal(what, `image ${tag}: will build: no image of these dependencies yet`);
  assert.match(where ?? "", /^on a rented machine \(.+, \$\d\.\d{3}\/h, 90 minutes at most\)$/);

  const { digest } = await pushImage(registry, "tester/deps", ["config", "layer"], [tag]);
  const found = await plan({}, { imageBuild: "local" });
  assert.equal(found.text, `image ${tag} is up to date: the registry has it`);
  assert.deepEqual([found.pinned, found.isPrivate], [`${asked.image}@${digest}`, true]);

  const { failures: _, text: __, ...olds } = found;
  await registry.close();
  assert.equal((await plan(olds)).text, `image ${tag} is up to date`, "nobody is asked");
  write("src.py", "another");
  assert.equal((await plan(olds)).tag, tag);
  write("uv.lock", "changed");
  const changed = await plan({ ...olds, parts });
  assert.notEqual(changed.tag, tag);
  assert.match(changed.failures[0]?.reason ?? "", /does not answer/);
  const again = await plan({ ...olds, parts });
  assert.match(again.failures[0]?.reason ?? "", /is not asked again until/, "unasked it is an error too");
});
