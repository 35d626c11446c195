import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startCommand } from "../../../../scripts/lib/command.ts";
import { projectDir } from "../../../../scripts/lib/workspace.ts";
import { notAll } from "../../../support/all.ts";
import { openProgram } from "../../../support/program.ts";
import { asker, findOffer, ORDER } from "../../../support/simulator.ts";

test("whoever has a list names a second machine of the run, its price and what ends it; that ends it", {
  skip: notAll,
}, async (t) => {
  const program = await openProgram(t, "vast-training");
  const { simulator, dir, env } = program;
  const ask = asker(simulator);
  await program.works("up", ["--skip-preview"]);
  const { instanceId, label } = await program.outputs();
  // As a rental that Vast carries out long after it was given up.
  const notin = (await simulator.ledger()).contracts.map(({ machineId }) => machineId);
  const offer = await findOffer({ ask }, { machine_id: { notin } });
  const order = { ...ORDER, label, price: offer.min_bid };
  let rented = await ask("PUT", `/api/v0/asks/${offer.id}/`, order);
  // Vast takes one rental in 4.5 s, and up may have been quicker.
  for (; rented.status === 429; rented = await ask("PUT", `/api/v0/asks/${offer.id}/`, order)) await sleep(500);
  assert.equal(rented.status, 200);
  const twin = String(rented.body.new_contract);
  const named = new RegExp(
    `^ {4}instance ${twin} carries the label ${label} as well and costs \\$[\\d.]+/h: a run has one instance; ` +
      `this ends it: vast-run sweep --destroy ${twin}, or vastai destroy instance ${twin}`,
    "gm",
  );
  /** What is left when all is done, under "Diagnostics". */
  const told = async (command: string, words: string[] = [], args = {}) => {
    const text = await program.works(command, words, args);
    return text.match(named)?.length ?? 0;
  };
  // Vast shows it within seconds.
  for (let looks = 1; (await told("preview")) === 0; looks++) assert.ok(looks < 10, "no preview names it");
  assert.equal(await told("up", ["--skip-preview"]), 1);
  assert.equal(await told("refresh"), 1);
  assert.equal(await told("up", ["--refresh", "--skip-preview"]), 1);
  assert.equal(
    await told("preview", [], { gpus: 2, maxPricePerHour: 7 }),
    1,
    "also where the machine is to be replaced",
  );
  assert.equal((await simulator.ledger()).living, 2, "nothing was released");

  const bin = join(projectDir, "cli", "vast-run");
  const given = { ...env, VAST_DISCARD_CHECKPOINTS: twin };
  const ended = await startCommand(bin, ["sweep", "--destroy", "--yes", twin], { cwd: dir, env: given }).result;
  assert.equal(ended.code, 0, ended.stdout + ended.stderr);
  const living = (await simulator.ledger()).contracts.filter(({ destroyedAt }) => destroyedAt === null);
  assert.deepEqual(
    living.map(({ id }) => String(id)),
    [instanceId],
  );
  assert.equal(await told("preview"), 0);
  await program.works("destroy");
});
