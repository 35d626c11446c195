import assert from "node:assert/strict";
import { cpSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { notAll } from "../support/all.ts";
import { checkpointsIn, exampleRepositoryOf, openProject, type Project, pushCommit } from "../support/project.ts";

const isRoot = process.getuid?.() === 0 && process.platform === "linux";
const needsRoot = isRoot ? false : "the simulator's machines need root on Linux";

/** The trainer, not its shells, once it trains: what must stay the same process while nothing of the run changes. */
const trainer = (project: Project) =>
  project.remote(
    "until grep -q '^step ' /workspace/train.log; do sleep 0.2; done; pgrep -f -o '^[^ ]*python[^ ]* src/train.py'",
  );

/** Of every resource, as its URN has it, behind what it is a child of: a change of one would be a delete and a create. */
const TYPES = [
  "command:remote:Command",
  "pulumi-nodejs:dynamic:Bid",
  "pulumi-nodejs:dynamic:Checkpoints",
  "pulumi-nodejs:dynamic:Code",
  "pulumi-nodejs:dynamic:Credentials",
  "pulumi-nodejs:dynamic:Identity",
  "pulumi-nodejs:dynamic:Image",
  "pulumi-nodejs:dynamic:Instance",
  "pulumi-nodejs:dynamic:Lease",
  "pulumi-nodejs:dynamic:Revision",
  "pulumi-nodejs:dynamic:WandbRun",
].map((type) => `vast-training:index:TrainingRun$${type}`);

/** What a preview promises. */
const COST = /cost *: "\$\d+\.\d{3}\/h, 1x H100 SXM in /;

async function recordedTypes(project: Project): Promise<string[]> {
  const { stdout } = await project.run("pulumi", ["stack", "export", "-s", "local"]);
  const urns: string[] = JSON.parse(stdout).deployment.resources.map(({ urn }: { urn: string }) => urn);
  const types = urns.map((urn) => urn.split("::")[2] ?? "");
  return types.filter((type) => !/^pulumi:(providers|pulumi):|^vast-training:index:TrainingRun$/.test(type)).sort();
}

test("a run lives from its quote to its end", { skip: needsRoot }, async (t: TestContext) => {
  const project = await openProject(t);
  const repository = exampleRepositoryOf(project);
  let pid = "";
  let first: Record<string, unknown> = {};
  let wandbRunId: unknown;

  await t.test("preview prints the quote and rents nothing", { skip: notAll }, async () => {
    const shown = await project.works("preview");
    assert.match(shown, COST);
    assert.doesNotMatch(shown, /\[unknown\]/);
    assert.deepEqual((await project.simulator.ledger()).contracts, []);
  });

  await t.test("up rents the machine of its preview's quote with a real bid and starts training", async () => {
    const shown = await project.works("up");
    assert.match(shown, new RegExp(`Previewing update[\\s\\S]*${COST.source}[\\s\\S]*Updating`));
    const [, end = ""] = shown.split("Updating (local)");
    assert.match(end, /\(run\):\s+training runs: branch jan: learning rate/);
    const [, outputs = ""] = /^Outputs:\n([\s\S]*?)\n\n/m.exec(end) ?? [];
    const names = outputs.split("\n").map((line) => line.split(":")[0]?.replace(/[ +]/g, ""));
    assert.deepEqual(names, ["cost", "end", "instanceId", "sshCommand", "watch"], "what people need, a line each");
    first = await project.outputs();
    wandbRunId = first.wandbRunId;
    const [contract, ...others] = (await project.simulator.ledger()).contracts;
    assert.deepEqual(others, []);
    assert.equal(String(contract?.id), String(first.instanceId));
    assert.equal(contract?.isBid, true);
    assert.equal(contract?.machineId, (first.quote as { machineId: number }).machineId);
    assert.equal(await project.remote("nvidia-smi -L | wc -l"), "1");
    assert.deepEqual(await recordedTypes(project), TYPES);
    pid = await trainer(project);
    const calls = await project.requests();
    const told = calls.map((call) => `${call.method} ${call.path}`).join(", ");
    // How often it looks at a machine that comes up depends on how long that takes.
    const looks = calls.filter(({ method, path }) => method === "GET" && path.startsWith("/api/v1/instances/"));
    assert.ok(calls.length - looks.length < 20, `${calls.length} calls: ${told}`);
    const [firstLook, lastLook] = [looks[0]?.at ?? 0, looks.at(-1)?.at ?? 0];
    assert.ok(looks.length <= 2 + (lastLook - firstLook) / 1000, `one a second at most: ${told}`);
    assert.deepEqual(
      calls.filter((call) => call.status === 429),
      [],
    );
    // Vast is told to delete the machine, reads it back, and is told no more of that before training.
    const jobs = calls.filter(({ path }) => path.includes("/schedule_job/"));
    assert.deepEqual(
      jobs.map(({ method }) => method),
      ["POST", "GET", "GET", "DELETE", "GET"],
    );
  });

  await t.test("nothing of the project's own files was changed", () => {
    for (const name of ["Pulumi.yaml", "index.ts", "package.json"])
      assert.equal(readFileSync(join(project.dir, name), "utf8"), readFileSync(name, "utf8"), name);
  });

  await t.test("a push, a rotated token, another agent and another clone leave the training alone", async () => {
    const clone = join(project.root, "another clone");
    const isCode = (path: string) => !path.includes("checkpoints");
    cpSync(project.dir, clone, { recursive: true, verbatimSymlinks: true, filter: isCode });
    const head = await pushCommit(repository, "jan", "a colleague's change");
    writeFileSync(join(project.root, "env"), "HF_TOKEN=rotated-token-value\n");
    const env = { SSH_AUTH_SOCK: join(project.root, "no-such-agent") };
    const words = ["up", "-s", "local", "--yes", "--skip-preview", "--non-interactive"];
    const again = await project.run("pulumi", [...words, "-c", `envFile=${project.root}/env`], { env, cwd: clone });
    assert.equal(again.code, 0, again.stdout + again.stderr);
    assert.match(again.stdout + again.stderr, new RegExp(`jan has moved to ${head.slice(0, 7)}`));
    assert.equal(await trainer(project), pid);
    assert.match(await project.remote("cat /workspace/.env"), /rotated-token-value/);
    const { commit, checkpoints } = await project.outputs();
    assert.deepEqual([commit, checkpoints], [first.commit, first.checkpoints]);
    assert.doesNotMatch(again.stdout, /(Identity|Checkpoints) \S+ updated/);
    assert.match(again.stdout + again.stderr, /checkpoints go on coming home to .*of another clone/);
  });

  await t.test("an up with nothing to do changes nothing", { skip: notAll }, async () => {
    const shown = await project.works(
      "up",
      "--skip-preview",
      "--expect-no-changes",
      "-c",
      `envFile=${project.root}/env`,
    );
    assert.match(shown, /unchanged/);
  });

  await t.test("another branch restarts training on the same machine", { skip: notAll }, async () => {
    const previewed = await project.works("preview", "-c", "branch=main");
    assert.match(previewed, /training \(step \d+\) is stopped and started again from its last checkpoint/);
    const shown = await project.works("up", "--skip-preview", "-c", "branch=main");
    // The code comes beside this look, and stops training before or after it.
    assert.match(shown, /training \(step \d+\) is stopped(; it starts| and started) again from its last checkpoint/);
    const outputs = await project.outputs();
    assert.equal(outputs.instanceId, first.instanceId);
    assert.equal(outputs.branch, "main");
    assert.notEqual(outputs.wandbRunId, first.wandbRunId);
    wandbRunId = outputs.wandbRunId;
    assert.notEqual(outputs.commit, first.commit);
    assert.notEqual(await trainer(project), pid);
    assert.equal(await project.remote("git -C /workspace/tiny-train rev-parse HEAD"), outputs.commit);
  });

  await t.test(
    "another number of GPUs brings the checkpoints home, releases, and rents anew: in this order",
    async () => {
      const previewed = await project.works("preview", "-c", "gpus=2");
      assert.match(previewed, /training \(step \d+\) is asked to save, and its \d+ files? comes? home first/);
      assert.match(previewed, /\(1x H100 SXM, \$[\d.]+\/h\) goes \(gpus changed\); then comes:\s+2x H100 SXM in /);
      const since = (await project.requests()).length;
      await project.works("up", "--skip-preview", "-c", "gpus=2");
      const second = await project.outputs();
      assert.notEqual(second.instanceId, first.instanceId);
      assert.equal(second.wandbRunId, wandbRunId, "another machine goes on with the same wandb run");
      const home = join(project.dir, "checkpoints", "local", String(first.instanceId));
      assert.notDeepEqual(checkpointsIn(home), []);
      assert.match(readFileSync(join(`${home}.brought`, "train.log"), "utf8"), /loss/);
      const order = (await project.requests())
        .slice(since)
        .filter(
          ({ method, path }) =>
            (method === "DELETE" && path.includes("/instances/")) || (method === "PUT" && path.includes("/asks/")),
        )
        .map(({ method }) => method);
      assert.deepEqual(order, ["DELETE", "PUT"]);
      assert.equal(await project.remote("nvidia-smi -L | wc -l"), "2");
      const ledger = await project.simulator.ledger();
      assert.equal(ledger.living, 1);
      first = second;
    },
  );

  await t.test(
    "refresh tells the truth about a machine that was taken, and destroy then refuses to lose checkpoints",
    async () => {
      await project.remote("until ls /workspace/checkpoints | grep -q step_; do sleep 0.2; done");
      await project.simulator.post(`/_sim/instances/${first.instanceId}/preempt`, {});
      await project.works("refresh");
      const exported = await project.run("pulumi", ["stack", "export", "-s", "local"]);
      assert.match(exported.stdout, /"phase": "stopped"/);
      const refused = await project.pulumi("destroy");
      assert.notEqual(refused.code, 0);
      const text = refused.stdout + refused.stderr;
      assert.match(text, new RegExp(`VAST_DISCARD_CHECKPOINTS=${first.instanceId}`));
      assert.match(text, /\$\d+\.\d+ ?\/ ?h/);
      assert.doesNotMatch(text, /\n\s+at .*\.ts:\d+/, "no stack trace");
      assert.equal((await project.simulator.ledger()).living, 1);
    },
  );

  await t.test("with the override for another machine destroy still refuses", { skip: notAll }, async () => {
    const refused = await project.run(
      "pulumi",
      ["destroy", "-s", "local", "--yes", "--skip-preview", "--non-interactive"],
      {
        env: { VAST_DISCARD_CHECKPOINTS: "1" },
      },
    );
    assert.notEqual(refused.code, 0);
    assert.equal((await project.simulator.ledger()).living, 1);
  });

  await t.test("with the override for this machine destroy ends the bill", async () => {
    const done = await project.run(
      "pulumi",
      ["destroy", "-s", "local", "--yes", "--skip-preview", "--non-interactive"],
      {
        env: { VAST_DISCARD_CHECKPOINTS: String(first.instanceId) },
      },
    );
    assert.equal(done.code, 0, done.stdout + done.stderr);
    assert.equal((await project.simulator.ledger()).living, 0);
    assert.equal(existsSync(join(project.home, "journal")) && checkpointsIn(join(project.home, "journal")).length, 0);
  });
});
