import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { parse } from "yaml";
import { checkpointsHome, pullCheckpoints } from "../../components/checkpoints/pull.ts";
import { planDependencies } from "../../components/code/dependencies.ts";
import { projectIn } from "../../components/code/git/project.ts";
import { type RunConfig, readConfig } from "../../components/config/config.ts";
import {
  credentialsScript,
  repoName,
  stopScript,
  type TrainStep,
  trainScript,
} from "../../components/remote/scripts.ts";
import { trainingOf } from "../../components/run/training-steps.ts";
import { probe } from "../../components/ssh/probe.ts";
import { runScript } from "../../components/ssh/run-script.ts";
import { GUARD } from "../components/remote/box.ts";
import { notAll } from "../support/all.ts";
import { makeBare, openTree, serveRepositories } from "../support/cot-oracle.ts";
import { needsRoot, on, openScene } from "../support/hosts.ts";
import { openProject } from "../support/project.ts";
import { temporaryHome } from "../support/sshd.ts";
import { INSTALL, layOut, TRAINERS } from "../support/trainers.ts";

/** A kind of trainer, as the page has it. */
interface Example {
  readonly name: string;
  /** What Pulumi.mine.yaml is to hold. */
  readonly yaml: string;
  readonly script: string | undefined;
  /** What comes home: names, and folders with a slash behind them. */
  readonly home: readonly string[];
}

const page = readFileSync(join(import.meta.dirname, "../../docs/your-repository.md"), "utf8");
const EXAMPLES = examplesIn(page);

function examplesIn(text: string): Example[] {
  const sections = text.split(/^## /m).map((section) => ({
    name: section.slice(0, section.indexOf("\n")),
    yaml: /^```yaml\n(.*?)^```$/ms.exec(section)?.[1] ?? "",
    script: /^```python\n(.*?)^```$/ms.exec(section)?.[1],
    home: [...(/^Home: (.*)$/m.exec(section)?.[1] ?? "").matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name),
  }));
  const head = sections.find(({ yaml }) => yaml.startsWith("config:\n"))?.yaml ?? "";
  return sections.filter(({ home }) => home.length > 0).map((example) => ({ ...example, yaml: head + example.yaml }));
}

/** As Pulumi hands it to the program. */
function configOf({ yaml }: Example): RunConfig {
  const entries = Object.entries((parse(yaml) as { config: Record<string, unknown> }).config);
  const texts = entries.map(([key, value]) => [
    key.replace("vast-training:", ""),
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  const { config, problems } = readConfig({ ...Object.fromEntries(texts), gpus: "2" });
  assert.deepEqual(problems, []);
  return config as RunConfig;
}

/** The step that `up` makes of it. */
function stepOf(config: RunConfig, run: string): TrainStep {
  const { links, setup, preflight, resumeFrom, interactive, repo, stopGraceSeconds } = config;
  const { dependencies } = planDependencies(projectIn({}), { ...config, credentials: [] });
  const checks = { links, setup, preflight, resumeFrom, dependencies };
  return { ...GUARD, ...trainingOf({ config }, "a".repeat(40)), ...checks, interactive, repo, stopGraceSeconds, run };
}

/** A machine that has the code of an example, and what stands for its trainer. */
async function openMachine(t: TestContext, example: Example) {
  const config = configOf(example);
  const { folder, key, machine } = await openScene(t);
  const home = temporaryHome(t);
  const host = await machine({ image: config.image, gpus: 2, authorizedKeys: [key.publicKey, home.key.publicKey] });
  const login = { instanceId: 7, endpoint: { host: "127.0.0.1", port: host.directPort }, key: home.key };
  const found = await probe({ ...login.endpoint, via: "direct" }, { ...login, firstUse: true });
  assert.ok(found.ok, JSON.stringify(found));

  const tree = join(folder, "tree");
  layOut(tree, TRAINERS[example.name] ?? { files: {} }, example.script);
  const code = `/workspace/${repoName(config.repo)}`;
  const files = execFileSync("sh", ["-c", 'tar -C "$1" -c . | base64', "sh", tree], { encoding: "utf8" });
  await on(host, key, `mkdir -p ${code} && cd ${code} && base64 -d | tar -x && ${INSTALL}`, files);
  // Nothing of these examples needs it.
  await on(host, key, "ln -s /bin/true /usr/local/bin/uv");
  const step = async (script: string) => String(await runScript(login, script));
  await step(credentialsScript({ credentials: { HF_TOKEN: "hf_of_a_test" }, publicKeys: [] }));
  return {
    config,
    run: (command: string) => on(host, key, command),
    log: () => on(host, key, "cat /workspace/train.log"),
    start: (run: string) => step(trainScript(stepOf(config, run))),
    /** Resolves when training has ended by itself, which must be well. */
    ended: async () => assert.equal(await on(host, key, HAS_ENDED), "0"),
    stop: () => step(stopScript(config)),
    pull: async () => {
      const to = checkpointsHome(join(home.path, "checkpoints"), "mine", 7);
      await pullCheckpoints({ ...login, from: config.checkpointsDir, to, quietMs: 0, patienceMs: 0 });
      return to;
    },
  };
}

/** Prints the exit code of training when there is one. A start waits for it only a moment. */
const HAS_ENDED = "until [ -s /workspace/train.exit ]; do sleep 0.05; done; cat /workspace/train.exit";

/** All that the page names is there, and nothing else. */
function assertHome(home: string, { home: named }: Example): void {
  const found = named.map((name) => globSync(name.endsWith("/") ? `${name}**` : `**/${name}`, { cwd: home }));
  for (const [at, names] of found.entries()) assert.notEqual(names.length, 0, named[at]);
  const files = globSync("**/*", { cwd: home }).filter((name) => statSync(join(home, name)).isFile());
  assert.deepEqual(
    files.filter((name) => !found.flat().includes(name)),
    [],
  );
}

test("each example of the page is right for the program, and has a stand-in for its trainer", () => {
  assert.deepEqual(
    EXAMPLES.map(({ name }) => name),
    Object.keys(TRAINERS),
  );
  for (const example of EXAMPLES) assert.notEqual(configOf(example).trainCommand, "", example.name);
});

/** The others are `npm run test:all`. */
const ALWAYS = ["A script of your own"];

for (const example of EXAMPLES) {
  const { name, script } = example;
  const { newest = "" } = TRAINERS[name] ?? {};
  const skip = needsRoot.skip || (ALWAYS.includes(name) ? false : notAll);
  if (script === undefined)
    test(`${name}: training starts, goes on from its newest checkpoint, and all of it comes home`, {
      skip,
    }, async (t) => {
      const machine = await openMachine(t, example);
      assert.match(await machine.start("1"), /^training: (started, |has ended with exit code 0$)/m);
      await machine.ended();
      assert.match(await machine.log(), /^\d processes begin anew$/m);
      const processes = machine.config.trainCommand.includes("$NUM_GPUS") ? 2 : 1;

      const path = join(machine.config.checkpointsDir, newest);
      const again = await machine.start("2");
      assert.ok(again.includes(`training: RESUME_FROM is ${path}\n`), again);
      await machine.ended();
      assert.ok((await machine.log()).includes(`\n${processes} processes go on from ${path}\n`), await machine.log());
      assertHome(await machine.pull(), example);
    });
  else
    test(`${name}: it saves when it is asked to end, goes on from there, and all of it comes home`, {
      skip,
    }, async (t) => {
      const machine = await openMachine(t, example);
      const { checkpointsDir } = machine.config;
      assert.match(await machine.start("1"), /^training: started/m);
      assert.match(await machine.log(), /^from step 0$/m);
      await machine.run(`until [ -e ${checkpointsDir}/step_100.pt ]; do sleep 0.05; done`);
      assert.match(await machine.stop(), /training has stopped/);
      assert.equal(await machine.run("cat /workspace/train.exit"), "0");

      const last = await machine.run(`ls ${checkpointsDir} | sort -V | tail -n 1`);
      const again = await machine.start("2");
      assert.ok(again.includes(`training: RESUME_FROM is ${checkpointsDir}/${last}\n`), again);
      assert.match(await machine.log(), new RegExp(`^from step ${/\d+/.exec(last)}$`, "m"));
      assert.match(await machine.stop(), /training has stopped/);
      assertHome(await machine.pull(), example);
    });
}

test("as a stack of one's own: up, up again, and destroy", { skip: needsRoot.skip || notAll }, async (t) => {
  const example = EXAMPLES.find(({ name }) => name === "TRL");
  assert.ok(example);
  const root = mkdtempSync(join(tmpdir(), "repositories-"));
  const url = await serveRepositories(t, root);
  const tree = join(root, "my-repository.tree");
  const git = openTree(tree);
  layOut(tree, TRAINERS.TRL ?? { files: {} });
  git("add", "-A", "-f");
  git("commit", "-q", "-m", "Train");
  makeBare(tree, join(root, "my-repository"));
  rmSync(tree, { recursive: true });

  const project = await openProject(t);
  writeFileSync(join(project.dir, "Pulumi.local.yaml"), example.yaml);
  const elsewhere = {
    apiUrl: "simulator",
    repo: `${url}/my-repository`,
    // No registry of this machine has the page's.
    image: "japhba/cot-oracle",
    setup: JSON.stringify([INSTALL]),
  };
  for (const [key, value] of Object.entries(elsewhere)) {
    const set = await project.run("pulumi", ["config", "set", "-s", "local", key, value]);
    assert.equal(set.code, 0, set.stderr);
  }
  assert.match(await project.works("preview"), /dependencies: nothing is installed, training has what the image has/);
  await project.works("up", "--skip-preview");
  assert.equal(await project.remote(HAS_ENDED), "0");
  assert.match(await project.remote("cat /workspace/train.log"), /^1 processes begin anew$/m);
  const again = await project.works("up", "--skip-preview", "-c", "run=2");
  assert.match(again, /training: RESUME_FROM is \/workspace\/checkpoints\/checkpoint-2\s/);
  assert.match(await project.remote("cat /workspace/train.log"), /^1 processes go on from .*\/checkpoint-2$/m);
  assert.equal(await project.remote(HAS_ENDED), "0");
  const { instanceId } = await project.outputs();
  await project.works("destroy");
  assertHome(join(project.dir, "checkpoints/local", String(instanceId)), example);
});
