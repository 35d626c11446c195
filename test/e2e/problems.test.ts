import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
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
  assert.match(cannotBuild.stdout, /imageBuild: DOCKERHUB_TOKEN is neither in the environment nor in/);
  assert.deepEqual((await project.simulator.ledger()).contracts, []);
});
