import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { projectDir } from "../../scripts/lib/workspace.ts";
import { notAll } from "../support/all.ts";
import { noDocker } from "../support/docker.ts";
import { openImageProject, pushFile, TOKEN } from "../support/image-project.ts";

/** Trains nothing, and has a checkpoint at once. */
const training = [
  "-c",
  "links={}",
  "-c",
  'trainCommand=echo training && mkdir -p "$CHECKPOINT_DIR/step_1" && touch "$CHECKPOINT_DIR/step_1/training_state.pt" && sleep 600',
];

test("an image of the dependencies is built once for all who want it", { skip: noDocker }, async (t: TestContext) => {
  const project = await openImageProject(t);
  const { docker, image, tags } = project;
  const config = [...project.config, ...training];
  const said: string[] = [];
  const pulumi = async (command: string, ...args: string[]) => {
    const { code, stdout, stderr } = await project.pulumi(command, ...args);
    said.push(stdout, stderr);
    return { code, text: stdout + stderr };
  };
  const works = async (command: string, ...args: string[]) => {
    const { code, text } = await pulumi(command, ...args);
    assert.equal(code, 0, text);
    return text;
  };
  const script = async (...args: string[]) => {
    const { code, stdout, stderr } = await project.run("node", [
      join(projectDir, "scripts/image.ts"),
      "-s",
      "local",
      ...args,
    ]);
    said.push(stdout, stderr);
    assert.equal(code, 0, stdout + stderr);
    return stdout;
  };
  const rented = async () => (await project.simulator.ledger()).contracts.length;
  let first: Record<string, unknown> = {};
  let tag = "";

  await t.test(
    "what stands in the way of a build is told in a preview: a token that is refused",
    {
      skip: notAll,
    },
    async () => {
      project.setToken("wrong");
      const { code, text } = await pulumi("preview", ...config);
      assert.notEqual(code, 0);
      assert.match(text, /refuses the login of "tester"/);
      project.setToken(TOKEN);
    },
  );

  await t.test("no engine is an error that offers another way", { skip: notAll }, async () => {
    const env = { DOCKER_HOST: "unix:///not/there.sock" };
    const words = ["preview", "-s", "local", "--non-interactive", ...config];
    const { code, stdout, stderr } = await project.run("pulumi", words, { env });
    assert.notEqual(code, 0);
    assert.match(stdout + stderr, /no Docker engine answers at unix:\/\/\/not\/there.sock .*imageBuild to remote/);
  });

  await t.test("a preview says what will be built, and builds nothing", async () => {
    assert.match(await works("preview", ...config), /will build: no image of these dependencies yet/);
    assert.deepEqual(await tags(), []);
    assert.equal(await rented(), 0);
  });

  await t.test("npm run image builds and pushes, and rents nothing", { skip: notAll }, async () => {
    assert.match(await script("--check"), /will build/);
    assert.deepEqual(await tags(), []);
    assert.match(await script(), new RegExp(`to rent with: ${image}@sha256:[0-9a-f]{64}`));
    assert.equal((await tags()).length, 2);
    assert.equal(await rented(), 0);
  });

  await t.test("up builds, pushes, and rents with the digest; in the image a sync installs nothing", async () => {
    await works("up", "--skip-preview", ...config);
    const [deps = "", ...others] = await tags();
    assert.match(deps, /^deps-[0-9a-f]{12}$/);
    assert.deepEqual(others, ["latest"]);
    tag = deps;
    first = await project.outputs();
    const order = (await project.requests()).find(({ method, path }) => method === "PUT" && path.includes("/asks/"));
    const body = order?.body as { image: string; image_login: string };
    assert.match(body.image, new RegExp(`^${image}@sha256:[0-9a-f]{64}$`));
    assert.equal(body.image_login, "-", "the registry takes logins only, so the machine gets one");
    assert.equal(await project.remote("command -v uv"), "/usr/local/bin/uv");
    assert.match(await project.remote("cat /workspace/logs/dependencies.log"), /Audited|Checked/);
    assert.doesNotMatch(await project.remote("cat /workspace/logs/dependencies.log"), /Installed/);
  });

  await t.test("a second up builds nothing and changes nothing, without an engine too", { skip: notAll }, async () => {
    const env = { DOCKER_HOST: "unix:///not/there.sock" };
    const words = ["up", "-s", "local", "--non-interactive", "--yes", "--skip-preview", "--expect-no-changes"];
    const { code, stdout, stderr } = await project.run("pulumi", [...words, ...config], { env });
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout, /is up to date/);
  });

  await t.test("npm run image finds that nothing is to be built", { skip: notAll }, async () => {
    assert.match(await script(), /is up to date: the registry has it/);
  });

  await t.test("a change of the code builds nothing, and keeps the machine", { skip: notAll }, async () => {
    await pushFile(project, "jan", "README.md", (text) => `${text}more\n`);
    const text = await works("up", "--skip-preview", ...config, "-c", "run=2");
    assert.match(text, /is up to date/);
    assert.equal((await project.outputs()).instanceId, first.instanceId);
    assert.deepEqual(await tags(), [tag, "latest"]);
  });

  await t.test(
    "a change of the lock file builds anew and replaces the machine, checkpoints first",
    {
      skip: notAll,
    },
    async () => {
      await pushFile(project, "jan", "uv.lock", (text) => `${text}\n# changed\n`);
      const shown = await works("preview", ...config, "-c", "run=3");
      assert.match(shown, /will build: uv.lock changed/);
      assert.match(shown, /Instance run-instance\s+replace/);
      await works("up", "--skip-preview", ...config, "-c", "run=3");
      const second = await project.outputs();
      assert.notEqual(second.instanceId, first.instanceId);
      assert.equal((await tags()).length, 3);
      const home = join(project.dir, "checkpoints", "local", String(first.instanceId), "step_1/training_state.pt");
      assert.equal(readFileSync(home, "utf8"), "");
    },
  );

  await t.test("destroy releases the machine where there is no engine, and leaves the registry as it is", async () => {
    const env = { DOCKER_HOST: "unix:///not/there.sock" };
    for (const command of notAll ? ["destroy"] : ["refresh", "destroy"]) {
      const words = [command, "-s", "local", "--non-interactive", "--yes", "--skip-preview"];
      const { code, stdout, stderr } = await project.run("pulumi", words, { env });
      assert.equal(code, 0, stdout + stderr);
    }
    assert.equal((await project.simulator.ledger()).living, 0);
    assert.ok((await tags()).includes(tag));
  });

  await t.test("the token is in no output, no state, no layer and no history", async () => {
    const looks = [
      await docker.works(["history", "--no-trunc", `${image}:${tag}`]),
      await docker.works(["inspect", `${image}:${tag}`]),
      (await project.run("pulumi", ["stack", "export", "-s", "local"])).stdout,
      (await project.run("grep", ["-rlF", TOKEN, project.root, "--exclude=env"])).stdout,
      ...said,
    ];
    for (const look of looks) assert.doesNotMatch(look, new RegExp(TOKEN));
    const grep = `docker save '${image}:${tag}' | tar -xO | grep -acF '${TOKEN}'`;
    const found = await project.run("sh", ["-c", grep], { env: { DOCKER_HOST: docker.host } });
    assert.equal(found.stdout.trim(), "0");
    assert.equal((await project.run("grep", ["-rlF", TOKEN, project.root, "--exclude=env"])).stdout, "");
  });
});
