import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { openProject } from "../support/project.ts";

test("every problem is reported at once, in preview and in up, and nothing is rented", async (t: TestContext) => {
  const project = await openProject(t);
  writeFileSync(join(project.root, "a-file"), "");
  const wrong = [
    "gpus=three",
    "branch=no-such-branch",
    "require=[NO_SUCH_TOKEN]",
    `checkpointsTo=${join(project.root, "a-file", "checkpoints")}`,
    "maxprice=3",
  ].flatMap((pair) => ["-c", pair]);
  const secret = ["config", "set", "--secret", "wandbProject", "canary-secret", "-s", "local"];
  assert.equal((await project.run("pulumi", secret)).code, 0);
  for (const command of [["preview"], ["up", "--skip-preview"]] as const) {
    const [verb, ...rest] = command;
    const result = await project.pulumi(verb, ...rest, ...wrong);
    const text = result.stdout + result.stderr;
    assert.notEqual(result.code, 0, command.join(" "));
    for (const named of [
      "gpus",
      "no-such-branch",
      "NO_SUCH_TOKEN",
      "checkpointsTo",
      "maxPricePerHour",
      "wandbProject: it is set with --secret",
    ]) {
      assert.match(text, new RegExp(named), `${command.join(" ")} names ${named}:\n${text}`);
    }
    assert.doesNotMatch(text, /\n\s+at .*\.ts:\d+/, "no stack trace");
  }
  assert.deepEqual((await project.simulator.ledger()).contracts, []);
});

test("an account that cannot pay, and a market without a fitting offer, end before anything is rented", async (t) => {
  const project = await openProject(t);
  const tooCheap = await project.pulumi("up", "--skip-preview", "-c", "maxPricePerHour=0.01");
  assert.notEqual(tooCheap.code, 0);
  assert.match(tooCheap.stdout + tooCheap.stderr, /maxPricePerHour/);
  const build = ["-c", "imageBuild=local", "-c", "maxprice=3"];
  const cannotBuild = await project.pulumi("up", "--skip-preview", ...build);
  assert.notEqual(cannotBuild.code, 0);
  assert.match(cannotBuild.stdout, /has 3 problems/);
  // Pulumi writes the file anew, in quotes, whenever -c is given.
  const file = join(project.dir, "Pulumi.local.yaml");
  writeFileSync(file, readFileSync(file, "utf8").replace("config:\n", "config:\n  vast-training:run: 1.10\n"));
  const changed = await project.run("pulumi", ["preview", "-s", "local", "--non-interactive"]);
  assert.match(changed.stdout, /run: YAML made 1\.1 of 1\.10; quote it: "1\.10"/);
  assert.match(cannotBuild.stdout, /imageBuild: DOCKERHUB_TOKEN is neither in the environment nor in/);
  assert.deepEqual((await project.simulator.ledger()).contracts, []);
});

const isRoot = process.getuid?.() === 0 && process.platform === "linux";

test("a state directory on a full disk is a sentence with its path, in preview and in up", {
  skip: isRoot ? false : "mounts a small disk",
}, async (t) => {
  const project = await openProject(t, {}, ["--no-hosts"]);
  const disk = join(project.root, "disk");
  mkdirSync(disk);
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", disk]);
  try {
    execFileSync("sh", ["-c", `head -c 100000 /dev/zero >${disk}/filler || true`], { stdio: "ignore" });
    const env = { VAST_TRAINING_HOME: join(disk, "state") };
    const words = ["-s", "local", "--non-interactive", "-c", "apiUrl=http://127.0.0.1:1"];
    const { code, stdout, stderr } = await project.run("pulumi", ["preview", ...words], { env });
    assert.notEqual(code, 0);
    const text = stdout + stderr;
    assert.match(
      text,
      new RegExp(`${disk}/state\\S* cannot be used: no room is left on its disk; make some \\(ENOSPC\\)`),
    );
    assert.doesNotMatch(text, /\n\s+at .*\.ts:\d+/, "no stack trace");
  } finally {
    execFileSync("umount", [disk]);
  }
});

test("a preview without a problem warns of nothing that is not there", async (t) => {
  const project = await openProject(t, {}, ["--no-hosts"]);
  const { code, stdout, stderr } = await project.pulumi("preview");
  assert.equal(code, 0, stdout + stderr);
  assert.match(stdout, /cost *: "\$\d+\.\d{3}\/h, 1x H100 SXM in /);
  assert.doesNotMatch(stdout, /\[unknown\]/);
  assert.doesNotMatch(stdout + stderr, /Undefined value/);
});

test("a preview says what a base saves, and one that cannot be read is a warning", async (t) => {
  const project = await openProject(t, {}, ["--no-hosts"]);
  const previewed = async (cachedBase: string) => {
    const image = "japhba/cot-oracle-on-vastai";
    const words = ["-c", `image=${image}`, "-c", `cachedBase=${cachedBase}`];
    const { code, stdout, stderr } = await project.pulumi("preview", ...words);
    assert.equal(code, 0, stdout + stderr);
    return stdout + stderr;
  };
  assert.match(await previewed("vastai/pytorch:2.6"), /image pull about \d+ min, \d+ s where the base is cached/);
  const missing = await previewed("unknown/pytorch");
  assert.match(
    missing,
    /cachedBase: unknown\/pytorch on docker\.io has no .* So what it saves of the pull is not known/,
  );
  assert.match(missing, /image pull about \d+ min\s/);
});
