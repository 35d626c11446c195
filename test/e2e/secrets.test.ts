import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { shellQuoted } from "../../components/remote/script.ts";
import type { CommandResult } from "../../scripts/lib/command.ts";
import { notAll } from "../support/all.ts";
import { filesBelow } from "../support/files-below.ts";
import { openProject, type Project } from "../support/project.ts";
import { type Canary, canaryOf, found, foundBelow, readIfThere, watchFor } from "./canaries.ts";

const isRoot = process.getuid?.() === 0 && process.platform === "linux";

/** Everything that Pulumi can be made to say. */
const LOUD = ["-v=9", "--logtostderr", "--logflow"];

const value = (name: string) => `canary-${name}-${randomBytes(12).toString("hex")}`;

interface Scene {
  readonly project: Project;
  readonly config: readonly string[];
  readonly canaries: Canary[];
  /** Runs it with all that can be said, and looks at what it says. */
  loud(command: string, ...words: string[]): Promise<CommandResult>;
}

/** A project whose every secret is a canary; one comes from the environment, one from each file. */
async function openScene(t: TestContext): Promise<Scene> {
  const secrets = {
    HF_TOKEN: value("hf"),
    EXTRA: `${value("extra")} "it's/+&=%\\ x`,
    DOCKERHUB_TOKEN: value("docker"),
    WANDB: value("wandb"),
  };
  const project = await openProject(t, { HF_TOKEN: secrets.HF_TOKEN });
  const { EXTRA, DOCKERHUB_TOKEN, WANDB } = secrets;
  writeFileSync(join(project.root, "env"), `EXTRA=${shellQuoted(EXTRA ?? "")}\nDOCKERHUB_TOKEN=${DOCKERHUB_TOKEN}\n`);
  writeFileSync(join(project.root, "netrc"), `machine api.wandb.ai login user password ${WANDB}\n`);
  const forward = JSON.stringify(["HF_TOKEN", "WANDB_API_KEY", "EXTRA"]);
  const config = [
    "-c",
    `envFile=${project.root}/env`,
    "-c",
    `netrcFile=${project.root}/netrc`,
    "-c",
    `forward=${forward}`,
  ];
  const canaries = Object.entries(secrets).map(([name, text]) => canaryOf(name, text));
  canaries.push(canaryOf("the Vast key", project.simulator.apiKey));
  const loud: Scene["loud"] = async (command, ...words) => {
    const result = await project.pulumi(command, ...words, ...LOUD);
    assert.ok(result.stderr.length > 10_000, "it is loud");
    assert.deepEqual(found(canaries, result.stdout + result.stderr), [], `what ${command} says`);
    return result;
  };
  return { project, config, canaries, loud };
}

/** Known only once there is a machine: our key, which the first command makes, and the instance's own. */
function addLate({ project, canaries }: Scene): void {
  const key = readFileSync(join(project.home, "ssh", "id_ed25519"), "utf8")
    .split("\n")
    .slice(1, -2)
    .join("");
  const bytes = Buffer.from(key, "base64");
  // Twice in the file: beside the public half it is the private one.
  const type = Buffer.from("\0\0\0\x0bssh-ed25519\0\0\0\x20");
  const at = bytes.lastIndexOf(type) + type.length;
  canaries.push(canaryOf("our private key", bytes.subarray(at + 36, at + 68)));
  canaries.push(canaryOf("our private key, as it is in its file", key.slice(-60, -20)));
  for (const text of instanceKeys(project)) canaries.push(canaryOf("the instance's key", text.slice(0, 48)));
}

const machinesOf = (project: Project) => join(project.home, "simulator", "hosts");

function instanceKeys(project: Project): string[] {
  const files = filesBelow(machinesOf(project));
  return files
    .filter((name) => name.endsWith("root/.vast_api_key"))
    .map((name) => readFileSync(join(machinesOf(project), name), "utf8").trim());
}

/** Where a secret is at home. On a machine: what is readable for nobody else there. */
const AT_HOME = [
  /^(env|netrc)$/,
  /^home\/(ssh\/id_ed25519|simulator\/api_key)$/,
  /^home\/simulator\/hosts\/.*\/upper\/(workspace\/\.env|root\/\.netrc|root\/\.vast_api_key)$/,
];

/** Every file that the commands could have written, and what the API was told. */
async function assertHidden({ project, canaries }: Scene): Promise<void> {
  const files = foundBelow(project.root, canaries, (path) => AT_HOME.some((home) => home.test(path)));
  assert.deepEqual(files, [], "files of the project, the backend, Pulumi, the state directory and the machine");
  assert.deepEqual(found(canaries, JSON.stringify(await project.requests())), [], "what Vast was told");
}

/** A text of megabytes makes an assertion that shows it take minutes. */
function quiet({ stdout, stderr }: CommandResult): string {
  const lines = (stdout + stderr).split("\n").filter((line) => !line.startsWith("{"));
  return lines.join("\n").slice(-3000);
}

function says(result: CommandResult, words: RegExp): void {
  assert.ok(words.test(result.stdout + result.stderr), `${words} is not in\n${quiet(result)}`);
}

const DIES = "env | cut -d= -f1; exit 3";

/** The credentials that lie on the machine behind an instance, as its host sees them. */
function onTheHost(project: Project): string[] {
  const files = filesBelow(machinesOf(project));
  return files.filter((name) => /\/upper\/(workspace\/\.env|root\/\.netrc)$/.test(name));
}

test("no secret is said, sent or written outside its own files, however loud Pulumi is", {
  skip: !isRoot,
}, async (t: TestContext) => {
  const scene = await openScene(t);
  const { project, config, canaries, loud } = scene;
  const watch = watchFor(canaries, join(project.root, "tmp"));

  const up = await loud("up", "--skip-preview", ...config);
  assert.equal(up.code, 0, quiet(up));
  const onTheMachine = await project.remote(
    "stat -c %a /workspace/.env ~/.netrc; . /workspace/.env; env; cat ~/.netrc ~/.vast_api_key; " +
      "tr '\\0' '\\n' </proc/1/environ; cat /workspace/.vast-training/train.pid",
  );
  assert.match(onTheMachine, /^600\n600\n/);
  assert.deepEqual(
    found(canaries, onTheMachine),
    ["HF_TOKEN", "EXTRA", "WANDB"],
    "what is forwarded did arrive, and no more",
  );
  addLate(scene);
  assert.deepEqual(found(canaries, up.stdout + up.stderr), [], "what up says");
  await assertHidden(scene);

  const rotated = value("wandb");
  canaries.push(canaryOf("the new wandb key", rotated));
  writeFileSync(join(project.root, "netrc"), `machine api.wandb.ai login user password ${rotated}\n`);
  const again = await loud("up", "--skip-preview");
  says(again, /~ 1 updated/);
  assert.equal(
    await project.remote("cat ~/.netrc; cat /workspace/.vast-training/train.pid"),
    `machine api.wandb.ai login user password ${rotated}\n${onTheMachine.split("\n").at(-1)}`,
    "a new token reaches the machine, and training goes on",
  );

  assert.equal(onTheHost(project).length, 2);
  await project.simulator.post("/_sim/faults", { on: "DELETE /instances/{id}/", do: "hold", times: 1 });
  const destroying = loud("destroy");
  await project.simulator.get("/_sim/held");
  assert.deepEqual(onTheHost(project), [], "credentials are off the machine before it goes");
  await fetch(`${project.simulator.url}/_sim/held`, { method: "DELETE" });
  assert.equal((await destroying).code, 0);
  await assertHidden(scene);
  assert.deepEqual(watch.stop(), [], "for a moment");
});

const SHOUTS = 'printenv HF_TOKEN EXTRA; printf %s "$WANDB_API_KEY" | base64 -w 0; echo; cat ~/.netrc; exit 3';

test("nor when training prints all of it and dies, its log is read, or a URL of the config has a token", {
  skip: !isRoot || notAll,
}, async (t: TestContext) => {
  const { project, config, canaries, loud } = await openScene(t);
  const inUrl = value("url");
  canaries.push(canaryOf("the token of a URL", inUrl));
  const repo = `https://me:${inUrl}@${"long-".repeat(20)}host/me/it`;
  const preview = await project.pulumi("preview", ...config, "-c", `repo=${repo}`);
  assert.notEqual(preview.code, 0);
  says(preview, /repo: found "https:\/\/\[secret\]@long-/);
  assert.deepEqual(found(canaries, preview.stdout + preview.stderr), [], "what preview says");
  await project.works("config", "set", "repo", "simulator:tiny-train");

  const up = await loud("up", "--skip-preview", ...config, "-c", `trainCommand=${SHOUTS}`);
  says(up, /exit code 3\. The end of .*train\.log/);
  says(up, /\[secret\]/);
  const logs = await project.run("vast-run", ["logs", "-s", "local"]);
  assert.match(logs.stdout, /password \[secret\]/);
  assert.deepEqual(found(canaries, logs.stdout + logs.stderr), [], "what vast-run logs says");
  await loud("destroy");
});

test("nor when the code cannot be fetched, the provider is killed, or a destroy is refused", {
  skip: !isRoot || notAll,
}, async (t: TestContext) => {
  const scene = await openScene(t);
  const { project, config, canaries, loud } = scene;
  const watch = watchFor(canaries, join(project.root, "tmp"));

  await project.works("up", "--skip-preview", ...config);
  addLate(scene);
  says(await loud("up", "--skip-preview", "-c", `trainCommand=${DIES}`), /exit code 3/);
  await project.remote("rm -rf /workspace/tiny-train && touch /workspace/tiny-train");
  says(await loud("up", "--skip-preview", "-c", "run=2"), /code/);
  await assertHidden(scene);

  const { instanceId } = await project.outputs();
  await project.remote("rm /workspace/tiny-train; echo 'sleep 600' >>/root/.bashrc");
  writeFileSync(join(project.root, "netrc"), `machine api.wandb.ai login user password ${value("wandb")}\n`);
  const killed = loud("up", "--skip-preview");
  const provider = await providerOf(project);
  process.kill(provider, "SIGKILL");
  assert.notEqual((await killed).code, 0);
  await assertHidden(scene);

  await project.simulator.post(`/_sim/instances/${instanceId}/preempt`, {});
  says(await loud("destroy"), /VAST_DISCARD_CHECKPOINTS/);
  await assertHidden(scene);
  const words = ["destroy", "-s", "local", "--yes", "--non-interactive", ...LOUD];
  const done = await project.run("pulumi", words, { env: { VAST_DISCARD_CHECKPOINTS: String(instanceId) } });
  assert.equal(done.code, 0, quiet(done));
  assert.deepEqual(found(canaries, done.stdout + done.stderr), [], "what the last destroy says");
  await assertHidden(scene);
  assert.deepEqual(watch.stop(), [], "for a moment");
});

/** The process of the project's dynamic resources, once it writes credentials: an ssh of its own tells. */
async function providerOf(project: Project): Promise<number> {
  for (;;) {
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      const line = readIfThere(`/proc/${pid}/cmdline`).split("\0").join(" ");
      if (!line.startsWith("ssh ") || !line.includes(project.home) || !line.includes("bash -s")) continue;
      const parent = /^PPid:\t(\d+)$/m.exec(readIfThere(`/proc/${pid}/status`))?.[1];
      if (parent !== undefined) return Number(parent);
    }
    await sleep(20);
  }
}
