import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { openStateDir } from "../../../components/lib/state-dir.ts";
import { openApi } from "../../../components/vast/client/api.ts";
import { VastClient } from "../../../components/vast/client/client.ts";
import { Journal } from "../../../components/vast/journal/journal.ts";
import { runLabel } from "../../../components/vast/journal/label.ts";
import { openProject, type Project } from "../../support/project.ts";
import { asker, findOffer } from "../../support/simulator.ts";

/** Exported by `pulumi stack export` before resources had lasting addresses, with places for what differs. */
const STATE = readFileSync(join(import.meta.dirname, "..", "..", "support", "earlier-state.json"), "utf8");

/** A machine of that time, and a stack that holds it. */
async function earlierStack(project: Project) {
  const { owner } = openStateDir(project.env);
  const label = runLabel({ owner, project: "vast-training", stack: "local", run: "run" });
  const id = await rent(project, label);
  const values = { id, label, owner, apiUrl: "simulator", apiKeyFile: "", folder: project.dir };
  const state = Object.entries(values).reduce(
    (text, [name, value]) => text.replaceAll(`{{${name}}}`, `${value}`),
    STATE,
  );
  const imported = await project.run("pulumi", ["stack", "import", "-s", "local"], { input: state });
  assert.equal(imported.code, 0, imported.stderr);
  return { id, label };
}

async function rent({ simulator, env }: Project, label: string): Promise<number> {
  const client = new VastClient(openApi({ apiUrl: "simulator", apiKeyFile: "" }, env));
  // What is held is still listed, at its bid.
  const notin = (await simulator.ledger()).contracts.map(({ machineId }) => machineId);
  const offer = await findOffer({ ask: asker(simulator) }, { machine_id: { notin } });
  const order = { image: "a/b:c", label, diskGb: 100, bidPerHour: offer.min_bid, env: {}, onstart: "" };
  return client.rent(offer.id, order);
}

test("machines of a state from before lasting addresses are found and ended", async (t: TestContext) => {
  const project = await openProject(t, {}, ["--no-hosts"]);
  const { id, label } = await earlierStack(project);
  const begun = runLabel({
    owner: openStateDir(project.env).owner,
    project: "vast-training",
    stack: "local",
    run: "run",
  });
  const lost = await rent(project, begun);
  const journal = new Journal(openStateDir(project.env).journalDir);
  journal.open({ label: begun, urn: "", apiUrl: "simulator", apiKeyFile: "", offerId: 1, at: Date.now() - 60_000 });
  // Its process has ended.
  const gone = { ...journal.find(begun), pid: 2 ** 22 + 1, startedAt: "before" };
  writeFileSync(journal.fileOf(begun), JSON.stringify(gone));

  await t.test("a destroy cannot, and says that it has ended nothing", async () => {
    const { code } = await project.pulumi("destroy");
    assert.notEqual(code, 0);
    assert.equal((await project.simulator.ledger()).living, 2);
  });

  await t.test("recover names them, with what fetches and what ends", async () => {
    const { code, stdout, stderr } = await project.run("vast-run", ["recover", "-s", "local"]);
    assert.equal(code, 3, stdout + stderr);
    for (const one of [id, lost]) {
      assert.match(stdout, new RegExp(`instance ${one} \\(.*\\) bills and no stack holds it: 1x H100 SXM`));
      assert.match(stdout, new RegExp(`vast-run sweep --destroy ${one}`));
    }
    assert.match(
      stdout,
      /earlier version.* \(vast-run sync -s local\), end the machine as above, then run pulumi stack rm --force local/,
    );
  });

  await t.test("sweep ends them, by the label and by the journal", async () => {
    for (const one of [lost, id]) {
      const words = ["sweep", "--destroy", "--yes", String(one)];
      const { code, stderr } = await project.run("env", [`VAST_DISCARD_CHECKPOINTS=${one}`, "vast-run", ...words]);
      assert.equal(code, one === id ? 0 : 3, stderr);
      assert.match(stderr, new RegExp(`${one} \\(${one === id ? label : begun}, .* is gone`));
    }
    assert.equal((await project.simulator.ledger()).living, 0);
    assert.deepEqual(journal.listOpen(), []);
  });

  await t.test("then the state may go", async () => {
    const { code, stdout } = await project.run("vast-run", ["recover", "-s", "local"]);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /earlier version, and nothing can refresh or destroy it: run pulumi stack rm --force local/);
    const { code: removed } = await project.run("pulumi", ["stack", "rm", "--force", "--yes", "local"]);
    assert.equal(removed, 0);
  });
});
