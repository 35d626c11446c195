import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { notAll } from "../support/all.ts";
import { checkpointsIn, openProject } from "../support/project.ts";

const isRoot = process.getuid?.() === 0 && process.platform === "linux";

test("a training that dies at once fails up, the next up mends it through the relay, and destroy has it save", {
  skip: !isRoot || notAll,
}, async (t: TestContext) => {
  const project = await openProject(t);
  await project.simulator.post("/_sim/faults", { on: "boot", do: "directDead", times: 0 });
  const dies = ["-c", "trainCommand=echo no such module; exit 3"];
  const failed = await project.pulumi("up", "--skip-preview", ...dies);
  const text = failed.stdout + failed.stderr;
  assert.notEqual(failed.code, 0);
  assert.match(text, /exit code 3/);
  assert.match(text, /no such module/, "the log's last lines");
  assert.match(
    text,
    /instance \d+ goes on costing up to \$\d+\.\d{3}\/h; this ends it: pulumi destroy -s local, or, when/,
  );
  const { logCommand } = await project.outputs();
  assert.match(String(logCommand), /train.log/, "the outputs do not wait for training");
  const [contract, ...others] = (await project.simulator.ledger()).contracts;
  assert.deepEqual(others, []);
  await project.works("up", "--skip-preview", "-c", "trainCommand=python src/train.py --checkpoint-every 100000");
  const { instanceId, sshPort } = await project.outputs();
  assert.equal(String(contract?.id), instanceId, "the same machine");
  const response = await fetch(`${project.simulator.url}/api/v0/instances/${instanceId}/`, {
    headers: { Authorization: `Bearer ${project.simulator.apiKey}` },
  });
  const { instances } = (await response.json()) as { instances: { ssh_port: number } };
  assert.equal(sshPort, instances.ssh_port, "by the relay");
  await project.remote("until grep -q '^step 3 ' /workspace/train.log; do sleep 0.2; done");
  await project.works("destroy");
  const [saved, ...more] = checkpointsIn(`${project.dir}/checkpoints`);
  assert.deepEqual(more, [], "by itself it would have saved nothing for hours");
  assert.ok(Number(saved?.replace(/.*step_/, "")) >= 3, saved);
});
