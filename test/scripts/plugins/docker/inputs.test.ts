import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { unknownValue } from "@pulumi/pulumi/runtime/rpc.js";
import { addressProblem, callEngine } from "../../../../scripts/plugins/docker/engine.ts";
import { type Build, changedInputs, checked } from "../../../../scripts/plugins/docker/inputs.ts";
import { parseName } from "../../../../scripts/plugins/docker/reference.ts";
import { conceal } from "../../../../scripts/plugins/secrets.ts";

test("a name to push to has its registry, and Docker Hub's its owner", () => {
  const good = [
    "docker.io/japhba/cot-oracle:latest",
    "localhost/a",
    "127.0.0.1:5000/team/a:x_1",
    "ghcr.io/a/b/c",
    "[::1]:5000/a",
  ];
  const bad = [
    "japhba/cot-oracle",
    "ubuntu",
    "docker.io/ubuntu",
    "ghcr.io/A/b",
    "ghcr.io/a:",
    "ghcr.io/",
    "https://ghcr.io/a",
  ];
  assert.deepEqual(
    good.filter((name) => !parseName(name)),
    [],
  );
  assert.deepEqual(
    bad.filter((name) => parseName(name)),
    [],
  );
  assert.deepEqual(parseName("127.0.0.1:5000/team/a"), {
    registry: "127.0.0.1:5000",
    repository: "127.0.0.1:5000/team/a",
    tag: "latest",
  });
});

test("the address of an engine is unix, tcp or ssh", () => {
  const good = [
    "unix:///var/run/docker.sock",
    "tcp://10.0.0.1:2375",
    "ssh://root@host:22",
    "ssh://host",
    "ssh://u@[::1]:2/run/d.sock",
  ];
  const bad = [
    "",
    "docker.sock",
    "unix://",
    "tcp://host",
    "https://host",
    "ssh://u:word@host",
    "ssh://u@-oProxyCommand=x",
    "ssh://h?a=b",
  ];
  assert.deepEqual(good.filter(addressProblem), []);
  assert.deepEqual(
    bad.filter((host) => !addressProblem(host)),
    [],
  );
});

test("inputs are completed and checked", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "vast-inputs-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, "Dockerfile"), "FROM a\n");
  const imageName = "ghcr.io/a/b:1";
  const properties = (build: unknown, more = {}) =>
    checked({ imageName, build, ...more }).failures.map(({ property }) => property);
  const { inputs, failures } = checked({ imageName, build: { context: folder } });
  const build = inputs.build as Build;
  assert.deepEqual(failures, []);
  assert.equal(build.dockerfile, join(folder, "Dockerfile"));
  assert.match(build.platform, /^linux\//);
  assert.match(build.contextDigest ?? "", /^[0-9a-f]{64}$/);
  assert.deepEqual(properties({ context: folder, network: "host" }), ["build.network"]);
  assert.deepEqual(properties({ context: join(folder, "no") }), ["build.dockerfile"]);
  assert.deepEqual(properties({ context: folder, builderVersion: "3" }), ["build.builderVersion"]);
  assert.deepEqual(properties({ context: folder }, { buildOnPreview: true, imageName: "a/b" }), [
    "buildOnPreview",
    "imageName",
  ]);
  assert.deepEqual(properties({ context: unknownValue }, { imageName: unknownValue }), []);
  assert.deepEqual(properties(unknownValue), []);
});

test("a change is any input but the login", () => {
  const before = {
    imageName: "ghcr.io/a/b:1",
    build: { context: ".", args: { B: "1", A: "1" } },
    registry: { server: "ghcr.io", username: "u", password: "old" },
    skipPush: false,
  };
  const changes = (more: object) => changedInputs({ __inputs: conceal(before) }, { ...before, ...more });
  assert.deepEqual(changes({}), []);
  assert.deepEqual(changes({ build: { args: { A: "1", B: "1" }, context: "." } }), []);
  assert.deepEqual(changes({ registry: conceal({ server: "ghcr.io", username: "v", password: "new" }) }), []);
  assert.deepEqual(changes({ registry: { server: "other.io", username: "u", password: "old" } }), ["registry"]);
  assert.deepEqual(changes({ registry: undefined }), ["registry"]);
  assert.deepEqual(changes({ build: { context: ".", contextDigest: "x" }, skipPush: true }), ["build", "skipPush"]);
});

test("an engine that is not there is named, with the reason", async () => {
  const { signal } = new AbortController();
  const ask = (host: string, sshOpts: string[] = []) =>
    callEngine({ host, sshOpts }, { method: "GET", path: "/version" }, signal);
  await assert.rejects(
    ask("unix:///not/there.sock"),
    /engine at unix:\/\/\/not\/there\.sock does not answer: .*ENOENT/,
  );
  await assert.rejects(ask("tcp://127.0.0.1:1"), /engine at tcp:\/\/127\.0\.0\.1:1 does not answer: .*ECONNREFUSED/);
  await assert.rejects(ask("ssh://127.0.0.1:1", ["-F", "none"]), /port 1: Connection refused/);
});
