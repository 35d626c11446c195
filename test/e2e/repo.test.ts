import assert from "node:assert/strict";
import { copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { CommandResult } from "../../scripts/lib/command.ts";
import { cacheDir } from "../../simulator/hosts/cache.ts";
import { notAll } from "../support/all.ts";
import { serveCotOracle } from "../support/cot-oracle.ts";
import { filesBelow } from "../support/files-below.ts";
import { hostileLogin } from "../support/hostile-login.ts";
import { checkpointsIn, openProject, type Project } from "../support/project.ts";
import { runOutputs } from "../support/run-outputs.ts";

const isRoot = process.getuid?.() === 0 && process.platform === "linux";
const needsRoot = isRoot ? false : "the simulator's machines need root on Linux";

/** How often somebody has logged in on the machines, as their sshd tells. */
function logins(project: Project): number {
  const folder = join(project.home, "simulator", "hosts");
  const files = filesBelow(folder).filter((name) => /\/sshd\.log$/.test(name));
  const texts = files.map((name) => readFileSync(join(folder, name), "utf8"));
  return texts.join("").split("Accepted publickey for root").length - 1;
}

const said = ({ stdout, stderr }: CommandResult) => stdout + stderr;

test("the stack dev trains the real repository's like, from a login node whose ssh is set up against it", {
  skip: needsRoot,
}, async (t: TestContext) => {
  const mirror = await serveCotOracle(t);
  const project = await openProject(t, { XDG_CACHE_HOME: join(cacheDir(), "..") });
  const login = hostileLogin(project.root);
  const before = login.files();
  writeFileSync(join(project.root, "env"), "export HF_TOKEN='hf_of_a_test'\r\n");
  writeFileSync(join(project.root, "netrc"), "machine api.wandb.ai\n  login user\n  password wandb_of_a_test\n");
  copyFileSync(join(project.dir, "Pulumi.dev.yaml"), join(project.dir, "Pulumi.local.yaml"));
  const { url, commit } = mirror.reference;
  const elsewhere = {
    apiUrl: "simulator",
    repo: mirror.repo,
    checkpointsTo: "./checkpoints",
    extraRepos: JSON.stringify([{ url, commit, path: "/workspace/ao_reference" }]),
  };
  for (const [key, value] of Object.entries(elsewhere)) {
    const set = await project.run("pulumi", ["config", "set", "-s", "local", key, value]);
    assert.equal(set.code, 0, said(set));
  }
  const run = (...words: string[]) => project.run("unshare", [...login.words, ...words], { env: login.env });
  const pulumi = (command: string, ...words: string[]) =>
    run("pulumi", command, "-s", "local", "--yes", "--non-interactive", ...words);
  /** From a step on, all that it says of itself is in there: an up waits for its first line only. */
  const log = () =>
    project.remote("until grep -q '^step ' /workspace/train.log; do sleep 0.2; done; cat /workspace/train.log");
  let first: Record<string, unknown> = {};

  await t.test("the set-up is such that plain ssh fails in it", async () => {
    await run("ssh", "somewhere.example.org");
    assert.match(login.sprung(), /ProxyCommand/);
    rmSync(join(project.root, "traps"));
  });

  await t.test(
    "up starts the trainer by the torchrun line, with its data, its credentials and its wandb run",
    async () => {
      const up = await pulumi("up", "--skip-preview");
      assert.equal(up.code, 0, said(up));
      t.diagnostic(`${logins(project)} logins`);
      first = { ...(await project.outputs()), ...(await runOutputs(project, "local")) };
      const text = await log();
      assert.match(text, /1 processes, data of \/workspace\/ao_reference\/datasets/);
      assert.match(text, new RegExp(`run cot_oracle-${first.wandbRunId} of group jan, from step 0`));
      assert.match(text, /WANDB_PROJECT=cot_oracle\nWANDB_RESUME=allow\n/);
      assert.match(text, new RegExp(`WANDB_RUN_ID=${first.wandbRunId}\n`));
      assert.match(text, /WANDB_TAGS=branch:jan,commit:[0-9a-f]{12},gpu:H100 SXM,price:\$[\d.]+\/h,machine:\d+\n/);
      assert.ok((first.secondsToFirstLine as number) > 0, String(first.secondsToFirstLine));
      t.diagnostic(`${first.secondsToFirstLine} s to the first line`);
    },
  );

  await t.test("a second up with nothing changed logs in nowhere", async () => {
    const count = logins(project);
    assert.ok(count > 0);
    const up = await pulumi("up", "--skip-preview", "--expect-no-changes");
    assert.equal(up.code, 0, said(up));
    assert.equal(logins(project), count);
    assert.equal((await runOutputs(project, "local")).secondsToFirstLine, first.secondsToFirstLine);
  });

  await t.test("transformers from 5 on does not pass, and the machine stays", async () => {
    await project.remote("until ls /workspace/checkpoints/cot_oracle | grep -q '^step_10$'; do sleep 0.2; done");
    const up = await pulumi("up", "--skip-preview", "-c", "branch=newest");
    assert.notEqual(up.code, 0);
    assert.match(said(up), /transformers 5\.0\.0 is installed, and training needs one below 5/);
    assert.match(said(up), /not all of preflight has passed\.\s+The machine is kept and costs \$[\d.]+\/h/);
    assert.equal((await project.simulator.ledger()).living, 1);
    assert.equal((await project.outputs()).instanceId, first.instanceId);
  });

  await t.test("another branch goes on from the newest checkpoint, as another wandb run", async () => {
    const up = await pulumi("up", "--skip-preview", "-c", "branch=main");
    assert.equal(up.code, 0, said(up));
    const second = await project.outputs();
    assert.equal(second.instanceId, first.instanceId);
    assert.equal(second.branch, "main");
    assert.notEqual(second.wandbRunId, first.wandbRunId);
    const [, step] = /of group jan, from step (\d+)/.exec(await log()) ?? [];
    assert.ok(Number(step) >= 10, step);
    assert.match(said(up), new RegExp(`training: RESUME_FROM is /workspace/checkpoints/cot_oracle/step_${step}\\s`));
  });

  await t.test(
    "a training that goes on from nothing though files are there is told by up",
    { skip: notAll },
    async () => {
      const up = await pulumi("up", "--skip-preview", "-c", "run=anew", "-c", "resumeFrom=best-*");
      assert.equal(up.code, 0, said(up));
      assert.match(said(up), /training: RESUME_FROM is unset: \d+ files are in \/workspace\/checkpoints, .*step_\d+/);
      assert.match(await log(), /of group jan, from step 0/);
    },
  );

  await t.test("destroy brings the checkpoints home", async () => {
    const destroyed = await pulumi("destroy", "--skip-preview");
    assert.equal(destroyed.code, 0, said(destroyed));
    const home = join(project.dir, "checkpoints", "local", String(first.instanceId));
    const names = checkpointsIn(home);
    assert.ok(names.length > 1, names.join(" "));
    for (const name of names) assert.ok(existsSync(join(home, name, "training_state.pt")), name);
  });

  await t.test("nothing of the login node's ssh was used or changed", () => {
    assert.equal(login.sprung(), "");
    assert.deepEqual(login.files(), before);
  });
});
