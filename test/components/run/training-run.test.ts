import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import type { RegisterResourceRequest } from "@pulumi/pulumi/proto/resource_pb.js";
import { type RunConfig, readConfig } from "../../../components/config/config.ts";
import type { Prepared } from "../../../components/run/prepare.ts";

interface Registered {
  readonly type: string;
  readonly inputs: Record<string, unknown>;
  /** Names of what it waits for, directly or through its inputs. */
  readonly dependsOn: string[];
  readonly replaceWith: string[];
  readonly deletedWith: string;
}

interface Monitor {
  registerResource(request: RegisterResourceRequest, ...rest: unknown[]): unknown;
}

const folder = mkdtempSync(join(tmpdir(), "vast-run-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const sshDir = join(folder, "a blank");
mkdirSync(sshDir);

const registered = new Map<string, Registered>();
const nameIn = (urn: string) => urn.split("::").at(-1) ?? "";

const machine = {
  instanceId: "7",
  sshHost: "203.0.113.9",
  sshPort: 41,
  hostKey: "ssh-ed25519 AAAA",
  pricePerHour: 3,
  rentedPerHour: 2,
  accountId: "5",
  keyFingerprint: "n:f",
  startedAt: "2026",
};
const cachedBase = "vastai/pytorch@sha256:1";
const image = { pinned: "a/b@sha256:0", compressedBytes: 7, isPrivate: true };
const made = {
  ...image,
  ...machine,
  commit: "c".repeat(40),
  runId: "abcd1234",
  gpu: "H100 SXM",
  machineId: "12",
  label: "vt-label",
  home: "/home/x/local/7",
};

// What the engine would answer: inputs as outputs, and what only a machine can tell.
await pulumi.runtime.setMocks(
  { newResource: ({ inputs }) => ({ id: "7", state: { ...inputs, ...made } }), call: () => ({}) },
  "vast-training",
  "local",
);

// The mocks do not tell the options of a resource; the request to the engine does.
const monitor = pulumi.runtime.getMonitor() as unknown as Monitor;
const register = monitor.registerResource.bind(monitor);
monitor.registerResource = (request, ...rest) => {
  registered.set(request.getName(), {
    type: request.getType(),
    inputs: request.getObject()?.toJavaScript() ?? {},
    dependsOn: request.getDependenciesList().map(nameIn),
    replaceWith: request.getReplaceWithList().map(nameIn),
    deletedWith: nameIn(request.getDeletedwith()),
  });
  return register(request, ...rest);
};

function prepared(): Prepared {
  return {
    config: readConfig({ repo: "simulator:it", cachedBase: "vastai/pytorch:x" }).config as RunConfig,
    project: "vast-training",
    stack: "local",
    owner: "abcdefgh",
    head: {
      url: "http://127.0.0.1:1/it",
      commit: "c".repeat(40),
      way: "none",
      tokenFor: "",
      sshConfig: "",
      knownHosts: "",
      extraRepos: [],
    },
    search: { forward: ["HF_TOKEN"], require: [], envFile: "~/.env", netrcFile: "~/.netrc" },
    image: { found: { pinned: "a/b@sha256:0", compressedBytes: 7, isPrivate: true }, cachedBase },
    fingerprints: { HF_TOKEN: "0123456789abcdef" },
    keys: {
      privateKeyFile: "/k/id",
      knownHostsFile: join(sshDir, "known_hosts"),
      publicKeys: ["ssh-ed25519 AAAA me"],
    },
    checkpointsTo: "/home/x",
    agentSocket: "/k/agent.sock",
  };
}

const settled = <T>(output: pulumi.Output<T>) => new Promise<T>((resolve) => void output.apply(resolve));

const { TrainingRun } = await import("../../../components/run/training-run.ts");
const run = new TrainingRun("run", prepared());
const commands = await settled(run.commands);
await pulumi.runtime.disconnect();

const one = (name: string) => registered.get(name) ?? assert.fail(`${name} is not registered`);

test("what can be wrong without a machine stands before the instance, and the gate before training", () => {
  assert.deepEqual([...registered.keys()].sort(), [
    "run",
    "run-bid",
    "run-checkpoints",
    "run-code",
    "run-credentials",
    "run-identity",
    "run-image",
    "run-instance",
    "run-lease",
    "run-revision",
    "run-training",
    "run-wandb",
  ]);
  const needs: [string, string[]][] = [
    ["run-instance", ["run-revision", "run-identity", "run-image"]],
    ["run-bid", ["run-instance"]],
    ["run-lease", ["run-instance"]],
    ["run-checkpoints", ["run-instance", "run-credentials"]],
    ["run-credentials", ["run-instance"]],
    ["run-code", ["run-instance", "run-revision"]],
    ["run-training", ["run-lease", "run-code", "run-credentials", "run-checkpoints"]],
  ];
  for (const [name, wanted] of needs) {
    const { dependsOn } = one(name);
    for (const other of wanted)
      assert.ok(dependsOn.includes(other), `${name} waits for ${other}, not only ${dependsOn}`);
  }
});

test("each step is of the commit, so that another one runs all of them again", () => {
  assert.match(JSON.stringify(one("run-code").inputs.wanted), /c{40}/);
  assert.match(JSON.stringify(one("run-training").inputs.stdin), /c{40}/);
});

test("lease, credentials and code wait for no other of them", () => {
  const others = ["run-lease", "run-credentials", "run-checkpoints", "run-training"];
  assert.ok(!one("run-credentials").dependsOn.includes("run-lease"));
  assert.deepEqual(
    one("run-code").dependsOn.filter((other) => others.includes(other)),
    [],
  );
  for (const name of ["run-lease", "run-credentials", "run-checkpoints"])
    assert.ok(!one(name).dependsOn.includes("run-code"), name);
});

test("gate and credentials are replaced with their instance and never dropped with it; the steps are dropped", () => {
  for (const name of ["run-checkpoints", "run-credentials"]) {
    assert.deepEqual(one(name).replaceWith, ["run-instance"]);
    assert.equal(one(name).deletedWith, "");
  }
  for (const step of ["code", "training"]) assert.equal(one(`run-${step}`).deletedWith, "run-instance");
  const { create, delete: undo, addPreviousOutputInEnv } = one("run-training").inputs;
  assert.deepEqual(
    { create, undo, addPreviousOutputInEnv },
    { create: "bash -s", undo: undefined, addPreviousOutputInEnv: false },
  );
});

test("the engine gets fingerprints of credentials, and no private key: it logs every value", () => {
  const { fingerprints, forward } = one("run-credentials").inputs;
  assert.deepEqual(
    { fingerprints, forward },
    { fingerprints: { HF_TOKEN: "0123456789abcdef" }, forward: ["HF_TOKEN"] },
  );
  assert.doesNotMatch(JSON.stringify([...registered.values()]), /privateKey/);
});

test("dependents see the rented price: one that a refresh moves would show all of them as changes", () => {
  assert.equal(one("run-checkpoints").inputs.pricePerHour, 2);
  assert.match(JSON.stringify(one("run-training").inputs), /\$2\.000\/h/);
  assert.doesNotMatch(JSON.stringify([...registered.values()].map(({ inputs }) => inputs)), /\$3\.000\/h/);
});

test("training is told the run and the tags at wandb, without the number of GPUs", () => {
  const { stdin } = one("run-training").inputs as { stdin: unknown };
  const text = JSON.stringify(stdin);
  assert.match(text, /WANDB_RUN_ID='abcd1234'/);
  assert.match(text, /WANDB_TAGS='branch:jan,commit:cccccccccccc,gpu:H100 SXM,price:\$2\.000\/h,machine:12'/);
});

/** Inputs that states hold for ever, beside `__urn` and `__provider`. */
const KEPT = {
  "run-instance":
    "apiKeyFile apiUrl bidMarkup cachedBase checkpointsDir diskGb gpu gpus image imageBytes imageLogin labDir label maxOffers maxPricePerHour minDownloadMbps minDurationHours minReliability onstart provisional publicKeys readyTimeoutMinutes rental sshKeyFile verified",
  "run-image": "apiUrl branch builder code commit envFile found image imageBase imageBuild options registryUser",
  "run-bid": "apiKeyFile apiUrl bidMarkup instanceId maxPricePerHour rental",
  "run-identity": "apiKeyFile apiUrl gate owner project run singleUse stack",
  "run-checkpoints":
    "accountId apiKeyFile apiUrl bring checkpointsTo from hostKey instanceId keepPrevious keyFingerprint pricePerHour rescueBudget sshKeyFile stack stepMaxMinutes stopGraceSeconds training",
};

test("what is not declared gets into no state, and what is keeps its name", () => {
  for (const [name, names] of Object.entries(KEPT)) {
    const given = Object.keys(one(name).inputs).filter((key) => !key.startsWith("__"));
    assert.equal(given.toSorted().join(" "), names, name);
  }
});

test("a base that hosts may have is known to the quote, and no part of the image", () => {
  assert.equal(one("run-instance").inputs.cachedBase, cachedBase);
  assert.doesNotMatch(JSON.stringify(one("run-image").inputs), /vastai/);
});

test("the machine pulls what was pinned, with a login that holds no secret", () => {
  const { image, imageBytes, imageLogin } = one("run-instance").inputs;
  const login = { registry: "docker.io", user: "japhba", tokenName: "DOCKERHUB_TOKEN", envFile: "~/.env" };
  assert.deepEqual({ image, imageBytes, imageLogin }, { image: "a/b@sha256:0", imageBytes: 7, imageLogin: login });
});

test("no input names the user's agent, and a machine's key is pinned", () => {
  const { connection } = one("run-training").inputs as { connection: Record<string, unknown> };
  const plain = JSON.stringify(connection);
  assert.match(plain, /agent\.sock/);
  assert.match(plain, /ssh-ed25519 AAAA/);
});

test("each command can be pasted into a shell", () => {
  const { sshCommand, logCommand, attachCommand, syncCommand } = commands;
  assert.equal(sshCommand, `ssh -F '${sshDir}/vast-7.conf' vast-7`, "short enough for Pulumi's list of outputs");
  assert.match(readFileSync(join(sshDir, "vast-7.conf"), "utf8"), /^ {2}HostName=203\.0\.113\.9$/m);
  assert.ok(logCommand.startsWith(sshCommand) && logCommand.endsWith("'tail -n 50 -F /workspace/train.log'"));
  assert.match(attachCommand, / -t 'infocmp [^']*; tmux attach -t train'$/);
  assert.equal(syncCommand, "vast-run sync -s local");
});
