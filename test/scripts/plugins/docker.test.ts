import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { notAll } from "../../support/all.ts";
import { type Docker, noDocker, openDocker } from "../../support/docker.ts";
import { localSshd, noSshd } from "./local-sshd.ts";
import { tinyProgram } from "./tiny-program.ts";

/** Images by name, each on the engine that `provider` names, `later`: not before the preview; their passwords are secret. */
const source = `
import * as pulumi from "@pulumi/pulumi";
import * as docker from "@pulumi/docker";
const { provider: { later, host, ...options }, images } = JSON.parse(process.env.STEP);
const known = !(later && pulumi.runtime.isDryRun());
const where = new pulumi.Output(new Set(), Promise.resolve(host), Promise.resolve(known), Promise.resolve(false), Promise.resolve(new Set()));
const engine = new docker.Provider("engine", { host: where, ...options });
export const made = Object.fromEntries(Object.entries(images).map(([name, { registry, ...inputs }]) => {
  const login = registry && { ...registry, password: pulumi.secret(registry.password) };
  const image = new docker.Image(name, { ...inputs, ...(login && { registry: login }) }, { provider: engine });
  const { repoDigest, imageName, baseImageName, registryServer } = image;
  return [name, { repoDigest, imageName, baseImageName, registryServer }];
}));
`;

const dockerfile = `FROM base:1 AS one
ARG COLOUR=grey
COPY . /context
RUN echo $COLOUR > /colour && cd /context && ls uv.lock parts/* > /list
FROM one AS two
RUN echo two > /colour
`;

interface Made {
  repoDigest: string;
  imageName: string;
  baseImageName: string;
  registryServer: string;
}

function openScene(t: TestContext, docker: Docker, password: string) {
  const folder = mkdtempSync(join(tmpdir(), "vast-image-"));
  const program = tinyProgram(source);
  t.after(() => {
    program.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
  write("Dockerfile", dockerfile);
  write("Dockerfile.dockerignore", "*\n!uv.lock\n!parts\nparts/left-out\n");
  mkdirSync(join(folder, "parts"));
  for (const name of ["uv.lock", "train.py", "parts/kept", "parts/left-out"]) write(name, "first\n");

  const { address, login } = docker.registry;
  const image = (name: string, build: object = {}, more: object = {}) => ({
    imageName: `${address}/team/${name}:1`,
    build: {
      context: folder,
      dockerfile: join(folder, "Dockerfile"),
      platform: "linux/amd64",
      target: "one",
      ...build,
    },
    registry: { server: address, username: login.username, password },
    ...more,
  });
  const run = (words: string[], images: object, provider: object = { host: docker.host }) =>
    program.pulumi([...words, "-s", "dev"], { provider, images });
  const works = async (words: string[], images: object, provider?: object) => {
    const { code, stdout, stderr } = await run(words, images, provider);
    assert.equal(code, 0, stdout + stderr);
    return stdout;
  };
  const up = (images: object, provider?: object) => works(["up", "--yes", "--skip-preview"], images, provider);
  const made = (): Record<string, Made> => JSON.parse(program.state()).checkpoint.latest.resources[0].outputs.made;
  const inside = (image: string, ...files: string[]) =>
    docker.works(["run", "--rm", "--network", "none", image, "cat", ...files]);
  return { folder, program, write, image, run, works, up, made, inside };
}

test("docker.Image builds and pushes what the program wants", { skip: noDocker || notAll }, async (t) => {
  const password = "canary-of-the-registry";
  const docker = await openDocker(t, password);
  await docker.importBase("base:1");
  const { folder, program, write, image, run, works, up, made, inside } = openScene(t, docker, password);
  await program.pulumi(["stack", "init", "dev"]);
  const { address } = docker.registry;
  const both = {
    kit: image("kit", { args: { COLOUR: "red" } }),
    classic: image("classic", { builderVersion: "BuilderV1", target: "two" }, { skipPush: true }),
  };
  let first = "";

  await t.test("a preview builds nothing", { skip: notAll }, async () => {
    assert.match(await works(["preview"], both), /4 to create/);
    assert.equal(await docker.works(["images", "--quiet", `${address}/team/*`]), "");
  });
  await t.test("a preview needs no engine whose address is not known yet", { skip: notAll }, async () => {
    assert.match(await works(["preview"], both, { host: "unix:///not/there.sock", later: true }), /4 to create/);
  });
  await t.test("up builds with either builder, pushes one, and says what it made", async () => {
    assert.match(await up(both), /echo \$COLOUR/);
    const { kit, classic } = made();
    assert.equal(kit?.imageName, `${address}/team/kit:1`);
    assert.equal(kit?.baseImageName, kit?.imageName);
    assert.equal(kit?.registryServer, address);
    assert.match(kit?.repoDigest ?? "", new RegExp(`^${address}/team/kit@sha256:[0-9a-f]{64}$`));
    assert.match(classic?.repoDigest ?? "", /^sha256:[0-9a-f]{64}$/);
    first = kit?.repoDigest ?? "";
    await docker.login();
    await docker.works(["rmi", `${address}/team/kit:1`]);
    await docker.works(["pull", first]);
    assert.match(await inside(first, "/colour", "/list"), /^red\nparts\/kept\nuv.lock$/);
    assert.equal(await inside(`${address}/team/classic:1`, "/colour"), "two");
  });
  await t.test("the token is neither in the state nor in the image", async () => {
    assert.match(program.state(), /repoDigest/);
    for (const text of [
      program.state(),
      await docker.works(["history", "--no-trunc", first]),
      await docker.works(["inspect", first]),
    ]) {
      assert.doesNotMatch(text, /canary/);
    }
  });
  await t.test("what the ignore file leaves out, and another token, are no change", async () => {
    write("train.py", "second\n");
    write("parts/left-out", "second\n");
    const registry = { ...both.kit.registry, password: "canary-of-another" };
    const words = ["up", "--yes", "--skip-preview", "--refresh"];
    assert.match(await works(words, { ...both, kit: { ...both.kit, registry } }), /4 unchanged/);
  });
  await t.test("a file that is let through builds again, in place", { skip: notAll }, async () => {
    write("uv.lock", "second\n");
    assert.match(await up(both), /2 updated/);
    assert.notEqual(made().kit?.repoDigest, first);
    assert.equal(await inside(`${address}/team/kit:1`, "/context/uv.lock"), "second");
  });
  await t.test("a step that fails shows its last lines, and a wrong token cannot push", async () => {
    const other = (name: string, text: string) => {
      write(name, text);
      return { dockerfile: join(folder, name), target: "one" };
    };
    const denied = { ...both.kit.registry, password: "wrong-canary" };
    const kit = other("Kit", "FROM base:1 AS one\nRUN echo line-of-kit && cat /not-there\n");
    const classic = other("Classic", "FROM base:1 AS one\nRUN echo line-of-classic; exit 9\n");
    const { code, stdout, stderr } = await run(["up", "--yes", "--skip-preview", "--continue-on-error"], {
      kit: image("kit", kit),
      classic: image("classic", { ...classic, builderVersion: "BuilderV1" }, { skipPush: true }),
      denied: image("denied", {}, { registry: denied }),
    });
    const text = stdout + stderr;
    assert.notEqual(code, 0, text);
    assert.match(text, /line-of-kit/);
    assert.match(text, /not-there: No such file/);
    assert.match(text, /line-of-classic/);
    assert.match(text, /returned a non-zero code: 9/);
    assert.match(text, /unauthorized|authentication|denied|no basic auth/);
    assert.doesNotMatch(text, /canary/);
  });
  await t.test("an engine behind ssh builds, with the ssh options of the program", { skip: noSshd }, async (inner) => {
    const sshd = await localSshd({ DOCKER_HOST: docker.host });
    inner.after(() => sshd.close());
    await sshd.start();
    const known = join(sshd.folder, "known_hosts");
    writeFileSync(known, `[127.0.0.1]:${sshd.port} ${sshd.hostKey}\n`);
    const options = ["StrictHostKeyChecking=yes", `UserKnownHostsFile=${known}`, "IdentityAgent=none", "BatchMode=yes"];
    const sshOpts = ["-F", "none", "-i", join(sshd.folder, "user"), ...options.flatMap((option) => ["-o", option])];
    const provider = { host: `ssh://${sshd.user}@127.0.0.1:${sshd.port}`, sshOpts };
    write("uv.lock", "third\n");
    assert.match(
      await up({ kit: both.kit }, provider),
      /Image kit updating .*\[diff: ~build\]/,
      "another address is none",
    );
    assert.equal(await inside(made().kit?.repoDigest ?? "", "/context/uv.lock"), "third");
  });
  await t.test("destroy leaves the registry as it is", async () => {
    const { kit } = made();
    assert.match(await works(["destroy", "--yes", "--skip-preview"], {}), /deleted/);
    await docker.works(["pull", kit?.repoDigest ?? ""]);
  });
});
