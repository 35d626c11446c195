import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { typeOf } from "../../components/pulumi/addresses.ts";
import { notAll } from "../support/all.ts";
import { checkpointsIn, openProject, type Project } from "../support/project.ts";

const isRoot = process.getuid?.() === 0 && process.platform === "linux";
const needsRoot = isRoot ? false : "the simulator's machines need root on Linux";

interface Resource {
  readonly urn: string;
  readonly type: string;
}

/** Takes resources of a type, and what depends on them, out of the state, as `pulumi state delete` does. */
async function forget(project: Project, address: "instance" | "checkpoints"): Promise<void> {
  const exported = await project.run("pulumi", ["stack", "export", "-s", "local"]);
  const { resources } = JSON.parse(exported.stdout).deployment as { resources: Resource[] };
  const urn = resources.find(({ type }) => type === typeOf(address))?.urn ?? "";
  const words = ["state", "delete", urn, "--target-dependents", "--yes", "-s", "local"];
  const { code, stdout, stderr } = await project.run("pulumi", words);
  assert.equal(code, 0, stdout + stderr);
}

/** What a script does, which nobody can ask. */
const sweep = (project: Project) => project.run("vast-run", ["sweep", "--destroy", "--yes"]);

/** Resolves when the machine lets nobody in any more. */
async function isShut(project: Project): Promise<void> {
  const { sshCommand } = await project.outputs();
  while ((await project.run("sh", ["-c", `${sshCommand} true`])).code === 0) await sleep(100);
}

const ENDS = "mkdir -p /workspace/checkpoints; echo done >/workspace/checkpoints/step_1; echo saved";

const said = ({ stdout, stderr }: { stdout: string; stderr: string }) => stdout + stderr;

test("a machine that the state has forgotten is released by no destroy before its checkpoints are home", {
  skip: needsRoot,
  timeout: 900_000,
}, async (t: TestContext) => {
  const project = await openProject(t);
  const home = (id: unknown) => checkpointsIn(join(project.dir, "checkpoints", "local", String(id)));
  const contract = async (id: unknown) =>
    (await project.simulator.ledger()).contracts.find((row) => String(row.id) === String(id));

  await t.test("training runs: the instance is deleted from the state, and destroy fetches from it", async () => {
    await project.works("up", "--skip-preview");
    const { instanceId } = await project.outputs();
    await project.remote("until grep -q 'saved .*step_10$' /workspace/train.log; do sleep 0.2; done");
    await forget(project, "instance");
    const swept = await sweep(project);
    assert.equal(swept.code, 1);
    assert.match(
      said(swept),
      new RegExp(
        `instance ${instanceId} is kept, because training has run on it; it goes on billing. pulumi destroy -s local fetches`,
      ),
    );
    const text = await project.works("destroy");
    assert.match(text, /training has stopped after \d+ s/);
    assert.match(text, /\d+ files, .*, verified in/);
    assert.ok(home(instanceId).length > 0);
    assert.equal((await project.simulator.ledger()).living, 0);
  });

  await t.test(
    "the gate alone is deleted: the instance is kept, and the next up puts the gate back",
    { skip: notAll },
    async () => {
      await project.works("up", "--skip-preview");
      const { instanceId } = await project.outputs();
      await project.remote("until grep -q 'saved .*step_10$' /workspace/train.log; do sleep 0.2; done");
      await forget(project, "checkpoints");
      const kept = await project.pulumi("destroy");
      assert.notEqual(kept.code, 0);
      assert.match(said(kept), new RegExp(`instance ${instanceId} is kept, because training has run on it`));
      assert.match(said(kept), new RegExp(`pulumi up puts them back.*VAST_DISCARD_CHECKPOINTS=${instanceId}`));
      assert.equal((await contract(instanceId))?.state, "running");
      await project.works("up", "--skip-preview");
      await project.works("destroy");
      assert.ok(home(instanceId).length > 0);
    },
  );

  await t.test(
    "nobody can look into it: it is stopped and kept; once it answers, destroy fetches from it",
    { skip: notAll },
    async () => {
      await project.works("up", "--skip-preview");
      const { instanceId } = await project.outputs();
      await project.remote("until grep -q 'saved .*step_10$' /workspace/train.log; do sleep 0.2; done");
      await project.remote("setsid sh -c 'sleep 0.2; pkill -x sshd' >/dev/null 2>&1 </dev/null &");
      await isShut(project);
      await forget(project, "instance");
      const kept = await project.pulumi("destroy");
      assert.notEqual(kept.code, 0);
      assert.match(
        said(kept),
        new RegExp(`instance ${instanceId} is kept, because nobody can see whether checkpoints`),
      );
      assert.match(said(kept), /It was stopped, and its disk goes on costing \$\d+\.\d{3}\/h/);
      assert.match(said(kept), new RegExp(`pulumi destroy -s local.*VAST_DISCARD_CHECKPOINTS=${instanceId} before`));
      // Its start brings its sshd back.
      const text = await project.works("destroy");
      assert.match(text, /started to fetch them/);
      assert.ok(home(instanceId).length > 0);
      assert.equal((await project.simulator.ledger()).living, 0);
    },
  );

  await t.test(
    "training has ended: the instance is deleted from the state, and destroy fetches from it",
    { skip: notAll },
    async () => {
      await project.works("up", "--skip-preview", "-c", "afterTraining=keep", "-c", `trainCommand=${ENDS}`);
      const { instanceId } = await project.outputs();
      await project.remote("until grep -q 'Training has ended' /workspace/train.log; do sleep 0.2; done");
      await forget(project, "instance");
      await project.works("destroy");
      assert.deepEqual(home(instanceId), ["step_1"]);
      assert.equal((await project.simulator.ledger()).living, 0);
    },
  );

  await t.test("training never began: nothing is on it, and destroy releases it", async () => {
    const failed = await project.pulumi("up", "--skip-preview", "-c", "preflight=exit 7");
    assert.notEqual(failed.code, 0, said(failed));
    assert.equal((await project.simulator.ledger()).living, 1, said(failed));
    await forget(project, "instance");
    const text = await project.works("destroy");
    assert.match(text, /instance \d+ holds nothing of a training of ours/);
    assert.equal((await project.simulator.ledger()).living, 0);
    assert.deepEqual(readdirSync(join(project.home, "passed")), [], "no note outlives its machine");
  });

  await t.test("training never began: a sweep looks, and releases it unasked", { skip: notAll }, async () => {
    await project.pulumi("up", "--skip-preview", "-c", "preflight=exit 7");
    await forget(project, "instance");
    assert.equal((await project.simulator.ledger()).living, 1);
    const swept = await sweep(project);
    assert.equal(swept.code, 0, said(swept));
    assert.equal((await project.simulator.ledger()).living, 0);
    await project.works("destroy");
  });
});
