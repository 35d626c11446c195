import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { projectDir } from "../../../scripts/lib/workspace.ts";

const evaluate = (code: string) =>
  execFileSync(process.execPath, ["--input-type=module", "--eval", code], { cwd: projectDir, encoding: "utf8" });

test("a Pulumi CLI is new enough by its numbers", () => {
  const versions = [
    "v3.259.0",
    "v3.260.0",
    "3.259.1",
    "v4.0.0",
    "v3.1000.0",
    "v3.258.9",
    "v3.99.0",
    "v2.999.0",
    "dev",
    "",
  ];
  const code = `
    import { isNewEnough } from "./scripts/setup/pulumi-cli.mjs";
    console.log(JSON.stringify(${JSON.stringify(versions)}.filter(isNewEnough)));`;
  assert.deepEqual(JSON.parse(evaluate(code)), versions.slice(0, 5));
});

test("set-up pins what package.json and the requirements pin", () => {
  const { versions } = JSON.parse(
    evaluate('import { versions } from "./scripts/setup/paths.mjs"; console.log(JSON.stringify({ versions }));'),
  );
  const { dependencies, devDependencies } = JSON.parse(readFileSync(join(projectDir, "package.json"), "utf8"));
  assert.equal(versions.pulumi, devDependencies.pulumi);
  assert.equal(versions.node, devDependencies.node.split(".")[0]);
  assert.equal(versions.command, dependencies["@pulumi/command"]);
  assert.equal(versions.docker, dependencies["@pulumi/docker"]);
  const requirements = readFileSync(join(projectDir, "scripts", "setup", "uv-requirements.txt"), "utf8");
  assert.match(requirements, new RegExp(`^uv==${versions.uv} `, "m"));
});

test("set-up and the program agree on the state directory", async () => {
  const { stateDirPath } = await import("../../../components/lib/state-dir.ts");
  const code = 'import { stateDir } from "./scripts/setup/paths.mjs"; console.log(stateDir());';
  const words = ["--input-type=module", "--eval", code];
  for (const env of [
    { VAST_TRAINING_HOME: "/a/b" },
    { XDG_STATE_HOME: "/x" },
    { HOME: "/h" },
    { HOME: "/h", VAST_TRAINING_HOME: "" },
  ]) {
    const theirs = execFileSync(process.execPath, words, { cwd: projectDir, encoding: "utf8", env });
    assert.equal(theirs.trim(), stateDirPath(env));
  }
});
