import assert from "node:assert/strict";
import { renameSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { isAll } from "../support/all.ts";
import { exampleRepositoryOf, openProject, type Project } from "../support/project.ts";
import { runInPty } from "../support/pty.ts";

const isRoot = process.getuid?.() === 0 && process.platform === "linux";

/** The id of the one machine that bills. */
async function billed(project: Project): Promise<number> {
  const living = (await project.simulator.ledger()).contracts.filter(({ destroyedAt }) => destroyedAt === null);
  assert.equal(living.length, 1);
  return living[0]?.id ?? 0;
}

/** What an `up` that fails after it has rented must say, whatever else it says. */
async function saysWhatBills(project: Project, shown: string): Promise<void> {
  const id = await billed(project);
  const line = new RegExp(
    `instance ${id} goes on costing up to \\$\\d+\\.\\d{3}/h; this ends it: pulumi destroy -s local, or, when that fails, vastai destroy instance ${id}`,
  );
  assert.match(shown.replace(/\s+/g, " "), line);
  assert.match(shown, /end *: "pulumi destroy -s local"/, "among the outputs, which come last");
}

test("whatever fails after the rental, up ends with what bills and what ends it", {
  skip: !isRoot || !isAll,
}, async (t: TestContext) => {
  const project = await openProject(t);

  await t.test("the repository is gone when it is to be cloned", async () => {
    const [here, gone] = [exampleRepositoryOf(project), join(project.root, "gone")];
    // The first look at the machine that was rented: none is made before.
    await project.simulator.post("/_sim/faults", { on: "GET /api/v1/instances/", do: "hold", after: 1 });
    const up = project.pulumi("up", "--skip-preview");
    await project.simulator.get("/_sim/held");
    assert.equal((await project.simulator.ledger()).living, 1);
    renameSync(here, gone);
    await fetch(`${project.simulator.url}/_sim/held`, { method: "DELETE" });
    const { code, stdout, stderr } = await up;
    renameSync(gone, here);
    assert.notEqual(code, 0);
    assert.match(stdout + stderr, /run-code/);
    await saysWhatBills(project, stdout + stderr);
  });

  await t.test("the connection breaks in the midst of a step", async () => {
    const id = await billed(project);
    const up = project.pulumi("up", "--skip-preview", "-c", "trainCommand=sleep 1000");
    let ended = false;
    up.finally(() => {
      ended = true;
    });
    while (!ended) {
      await project.simulator.post(`/_sim/instances/${id}/sshCut`, {});
      await sleep(200);
    }
    const { code, stdout, stderr } = await up;
    assert.notEqual(code, 0, stdout);
    await saysWhatBills(project, stdout + stderr);
  });

  await t.test("training dies at once, seen in a terminal", async () => {
    const words = ["up", "-s", "local", "--yes", "--skip-preview", "-c", "trainCommand=exit 3"];
    const place = { cwd: project.dir, env: project.env, seen: /^never$/, keys: "" };
    const { code, screen } = await runInPty("pulumi", words, place);
    assert.notEqual(code, 0);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours
    await saysWhatBills(project, screen.replace(/\x1b\[[0-9;?]*[A-Za-z]/g, ""));
  });

  await t.test("the config is wrong, so that the program never comes to the machine", async () => {
    const id = await billed(project);
    const { code, stdout } = await project.pulumi("up", "-c", "gpus=three");
    assert.notEqual(code, 0);
    assert.match(stdout, new RegExp(`instance ${id} goes on costing up to \\$.*this ends it: pulumi destroy -s local`));
  });

  await project.works("destroy");
});
