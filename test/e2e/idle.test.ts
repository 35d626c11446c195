import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { isAll } from "../support/all.ts";
import { checkpointsIn, openProject, type Project } from "../support/project.ts";

const isRoot = process.getuid?.() === 0 && process.platform === "linux";
const needsRoot = isRoot ? false : "the simulator's machines need root on Linux";
const isLong = isAll ? needsRoot : "only in npm run test:all";

const SHORT = "trainCommand=python src/train.py --steps 12 --step-seconds 0.05";

/** The training log, as soon as it has such a line; asked for anew each time, because ports change. */
async function logged(project: Project, pattern: RegExp): Promise<string> {
  for (let looks = 0; ; looks++) {
    const { stdout, stderr } = await project.run("vast-run", ["logs", "-s", "local", "-n", "1000"]);
    if (pattern.test(stdout)) return stdout;
    assert.ok(looks < 60, `${pattern} in\n${stdout}\n${stderr}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

async function reaches(project: Project, state: string): Promise<void> {
  for (let looks = 0; ; looks++) {
    const [contract] = (await project.simulator.ledger()).contracts.slice(-1);
    if (contract?.state === state) return;
    assert.ok(looks < 300, `the machine is ${contract?.state}, not ${state}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** States that were asked of Vast for an instance, in order, since so many requests. */
async function asked(project: Project, since = 0): Promise<unknown[]> {
  const changes = (await project.requests()).slice(since).filter(({ method }) => method === "PUT");
  return changes.flatMap(({ body }) => (body as { state?: string }).state ?? []);
}

function stepsAtHome(project: Project, instanceId: unknown): number[] {
  const home = join(project.dir, "checkpoints", "local", String(instanceId));
  return checkpointsIn(home).map((name) => Number(name.replace(/.*step_/, "")));
}

test("no machine idles, and none that has stopped keeps its checkpoints", {
  skip: isLong,
}, async (t: TestContext) => {
  const project = await openProject(t);
  let instanceId: unknown;

  await t.test("a machine that Vast takes and gives back goes on training from its newest checkpoint", async () => {
    await project.works("up", "--skip-preview", "-c", "afterTrainingMinutes=0");
    ({ instanceId } = await project.outputs());
    const before = await logged(project, /saved \S+step_10\n/);
    assert.match(before, /\nstep 1 loss/);
    await project.simulator.post(`/_sim/instances/${instanceId}/outbid`, { forSeconds: 1 });
    await reaches(project, "running");
    const after = await logged(project, /resumed from step \d+\nstep \d+ loss/);
    assert.match(after, /^\[vast-training\] The machine was started again, and training with it\./);
    const [, from, first] = /resumed from step (\d+)\nstep (\d+) loss/.exec(after) ?? [];
    assert.ok(Number(from) >= 10 && Number(first) === Number(from) + 1, `${from} ${first}`);
  });

  await t.test("when training has ended the machine stops itself, by its own key", async () => {
    await project.remote("pkill -TERM -f -o '^[^ ]*python[^ ]* src/train.py'");
    await reaches(project, "stopped");
    assert.deepEqual(await asked(project), ["stopped"], "and nobody else has stopped it");
  });

  await t.test("destroy starts it to fetch the checkpoints, says what that costs, and releases it", async () => {
    const said = await project.works("destroy");
    assert.match(said, /started to fetch them, at \$\d\.\d{3}\/h, for [\d.]+ minutes and \$1\.00 at most/);
    assert.match(said, /\d+ files, .*, verified in/);
    assert.deepEqual(await asked(project), ["stopped", "running"]);
    assert.ok(Math.max(...stepsAtHome(project, instanceId)) >= 11, "the one that was saved at the end");
  });
});

test("what is synced after the end of training needs no start", { skip: isLong }, async (t: TestContext) => {
  const project = await openProject(t);
  const waits = `${SHORT}; until [ -e /workspace/go ]; do sleep 0.1; done`;
  await project.works("up", "--skip-preview", "-c", waits, "-c", "afterTrainingMinutes=0");
  const { instanceId } = await project.outputs();
  const [link, keep] = ["/workspace/checkpoints/later", "/workspace/.vast-training/keep"];
  // Once each, in this order: a line may come again before the machine has been told.
  const cues: [line: RegExp, command: string][] = [
    // It has seen everything at rest, so that only the end of training, and the link, are news.
    [/nothing new/, `touch ${keep}; ln -s /mnt/none ${link}; touch /workspace/go`],
    [/not all of it/, `rm ${link}`],
  ];
  const told: Promise<string>[] = [];
  const onLine = (line: string) => {
    if (cues[0]?.[0].test(line)) told.push(project.remote(cues.shift()?.[1] ?? ""));
  };
  const watching = project.start("vast-run", ["sync", "--watch", "--every", "0.02", "-s", "local"], { onLine });
  const { code, stdout, stderr } = await watching.result;
  assert.equal(code, 0, stderr);
  assert.match(
    stdout,
    /nothing new\n[\s\S]*, but not all of it is home: see above\n[\s\S]*, and all of it is home; pulumi destroy/,
  );
  assert.match(stderr, /^Not fetched: later leads to \/mnt\/none, which is not there/m);
  await Promise.all(told);
  await project.remote(`rm ${keep}`);
  await reaches(project, "stopped");
  assert.match(await project.works("destroy"), /training had ended, and all of it is home/);
  assert.deepEqual(await asked(project), ["stopped"]);
  assert.ok(stepsAtHome(project, instanceId).includes(12));
});

test("after maxHours training saves and the machine stops; a stop that Vast refuses is loud", {
  skip: isLong,
}, async (t: TestContext) => {
  const project = await openProject(t);
  await project.simulator.post("/_sim/faults", { on: "PUT /instances/{id}/", do: "serverErrorJson", times: 1000 });
  await project.works("up", "--skip-preview", "-c", "maxHours=0.006");
  const { instanceId } = await project.outputs();
  const log = await logged(project, /VAST DOES NOT STOP THIS MACHINE: .*server_error/);
  assert.match(log, /which is its maxHours[\s\S]*saved[\s\S]*GOES ON COSTING \$\d\.\d{3}\/h.*pulumi destroy -s local/);
  await fetch(`${project.simulator.url}/_sim/faults`, { method: "DELETE" });
  await reaches(project, "stopped");
  const said = await project.works("destroy");
  assert.match(said, /started to fetch them/);
  assert.ok(stepsAtHome(project, instanceId).length > 0);
});
