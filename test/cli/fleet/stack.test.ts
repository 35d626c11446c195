import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { projectOf } from "../../../cli/fleet/project.ts";
import { pulumiFailure, readStack, resourceOf } from "../../../cli/fleet/stack.ts";
import { recordedInstance } from "../../../cli/machine/machine.ts";
import { typeOf } from "../../../components/pulumi/addresses.ts";
import { projectDir } from "../../../scripts/lib/workspace.ts";

const stub = mkdtempSync(join(tmpdir(), "vast-cli-"));
process.once("exit", () => rmSync(stub, { recursive: true }));

/** A `pulumi` that prints a deployment, and its arguments on standard error. */
function stubPulumi(name: string, resources: unknown[]): NodeJS.ProcessEnv {
  const bin = join(stub, name);
  mkdirSync(bin);
  writeFileSync(join(bin, "deployment.json"), JSON.stringify({ version: 3, deployment: { resources } }));
  writeFileSync(join(bin, "pulumi"), `#!/bin/sh\necho "$@" > ${bin}/args\ncat ${bin}/deployment.json\n`);
  chmodSync(join(bin, "pulumi"), 0o755);
  return { PATH: `${bin}:/usr/bin:/bin` };
}

const instance = {
  urn: "urn:pulumi:local::vast-training::x::run$instance",
  type: typeOf("instance"),
  id: "7001",
  outputs: { instanceId: 7001, apiUrl: "simulator", apiKeyFile: "", sshKeyFile: "/k", hostKey: "ssh-ed25519 AAAA" },
};

test("the instance is read from the state, also when an update is under way and nothing is exported yet", async () => {
  const stack = await readStack(
    projectDir,
    stubPulumi("one", [{ urn: "u", type: "pulumi:pulumi:Stack" }, instance]),
    "dev",
  );
  assert.deepEqual(recordedInstance(stack, "dev"), {
    stack: "local",
    instanceId: 7001,
    api: { apiUrl: "simulator", apiKeyFile: "" },
    sshKeyFile: "/k",
    hostKey: "ssh-ed25519 AAAA",
  });
});

test("an instance that only waits for its deletion is not the stack's instance", async () => {
  const old = { ...instance, id: "1", delete: true };
  const stack = await readStack(projectDir, stubPulumi("two", [old, instance]), undefined);
  assert.equal(resourceOf(stack, "instance")?.id, "7001");
});

test("a stack without an instance ends with exit code 4 and says how to get one", async () => {
  const stack = await readStack(projectDir, stubPulumi("three", []), undefined);
  assert.throws(() => recordedInstance(stack, undefined), {
    code: 4,
    message: /The selected stack has no instance; pulumi up/,
  });
  assert.throws(() => recordedInstance(stack, "dev"), { code: 4, message: /^Stack dev has no instance/ });
});

test("an empty stack, whose export has no resources at all, is a stack without an instance", async () => {
  const env = stubPulumi("four", []);
  writeFileSync(join(stub, "four", "deployment.json"), JSON.stringify({ version: 3, deployment: { manifest: {} } }));
  assert.deepEqual((await readStack(projectDir, env, undefined)).resources, []);
});

const complaints: [string, number, RegExp][] = [
  ["error: no stack selected; please use `pulumi stack select` to choose one", 2, /Add --stack STACK/],
  ["error: no stack named 'x' found", 2, /no stack named 'x' found\. The stacks there are: pulumi stack ls/],
  ["error: PULUMI_ACCESS_TOKEN must be set for login during non-interactive CLI sessions", 2, /shellenv/],
  [
    "error: passphrase must be set with PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE",
    2,
    /Run: eval .*shellenv/,
  ],
  [
    "error: the stack is currently locked by 1 lock(s). Either wait ... or run `pulumi cancel`",
    1,
    /: vast-run recover$/,
  ],
  ["error: disk full", 1, /^pulumi stack export: disk full$/],
];

for (const [stderr, code, sentence] of complaints) {
  test(`Pulumi's "${stderr.slice(7, 40)}" becomes exit code ${code} and what to type`, () => {
    const failure = pulumiFailure({ code: 255, stderr });
    assert.equal(failure.code, code);
    assert.match(failure.message, sentence);
  });
}

test("the project is the one around the folder, as Pulumi finds it, else the one the command belongs to", () => {
  const other = join(stub, "clone");
  mkdirSync(join(other, "deep"), { recursive: true });
  writeFileSync(join(other, "Pulumi.yaml"), "name: vast-training\nruntime: nodejs\n");
  assert.equal(projectOf(join(other, "deep")), other);
  writeFileSync(join(other, "Pulumi.yaml"), "name: something-else\n");
  assert.equal(projectOf(join(other, "deep")), projectDir);
});
