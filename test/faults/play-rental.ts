import assert from "node:assert/strict";
import { isStranded } from "../../components/vast/journal/trouble.ts";
import { release } from "../../components/vast/rental/release.ts";
import { type Rented, rent } from "../../components/vast/rental/rental.ts";
import type { Contract } from "../../simulator/contracts/contract.ts";
import { type BillingLedger, type Fault, ledger } from "../../simulator/index.ts";
import { label, request } from "../support/request.ts";
import type { RentalRow } from "./rental-rows.ts";
import { SlowScene } from "./scene.ts";

/** What came of a fault. */
export interface Played {
  /** The line that tells it best. */
  readonly says: string;
  /** From the search until a machine was ready, or the error. */
  readonly seconds: number;
  /** Dollars by then. */
  readonly dollars: number;
}

const DEFAULT_WITHIN = 6;

/** Rents with these faults, and holds the row's claims against what came of it. */
export async function playRental(row: RentalRow, faults: readonly Fault[]): Promise<Played> {
  const scene = new SlowScene(faults);
  try {
    const began = scene.hand.now();
    const end = await rent(scene.means, request).catch((error: Error) => error);
    const seconds = (scene.hand.now() - began) / 1000;
    const dollars = scene.spent();
    const missed = scene.world.faults.list().filter(({ met }) => met === 0);
    assert.deepEqual(missed, [], "a fault that never came about");
    const texts = [...scene.said, ...scene.shown, ...(end instanceof Error ? [end.message] : [])];
    const story = `\n${scene.said.join("\n")}\n${end instanceof Error ? end.message : "ready"}`;
    checkOutcome(row, scene, end, story);
    for (const wanted of [...row.reads, row.says])
      assert.ok(
        texts.some((text) => wanted.test(text)),
        `${wanted}${story}`,
      );
    checkCost(row, ledger(scene.world), { seconds, dollars, rate: scene.dearest }, story);
    assert.deepEqual(scene.tooMany(), [], "calls that Vast turned away");
    if (!(end instanceof Error)) await endWell(scene, end);
    return { says: texts.find((text) => row.says.test(text)) ?? "", seconds, dollars };
  } finally {
    await scene.close();
  }
}

function checkOutcome(row: RentalRow, scene: SlowScene, end: Rented | Error, story: string): void {
  const all = scene.world.contracts.all();
  assert.equal(all.length, row.contracts, `machines${story}`);
  const sent = row.sent ?? row.contracts;
  if (sent >= 0) assert.equal(scene.rentals, sent, `rentals sent${story}`);
  assert.equal(end instanceof Error, row.outcome === "stop", story);
  const living = scene.world.contracts.living().map(({ id }) => id);
  if (!(end instanceof Error)) assert.deepEqual(living, [end.instance.id], `exactly the one that is ready${story}`);
  else if (row.leaves) {
    assert.ok(isStranded(end) && end.givenUp, "what is left gets into the state");
    const { id } = end.instance;
    assert.ok(end.message.includes(`vastai destroy instance ${id}`), end.message);
    assert.deepEqual(scene.means.journal.find(label)?.instanceIds, [id], "and stays in the journal");
    assert.deepEqual(living, row.leaves === "a machine" ? [end.instance.id] : [], story);
    assert.equal(scene.openIntents().length, 1, "the next run looks for it");
  } else assert.deepEqual([living, scene.openIntents()], [[], []], `nothing is left${story}`);
  for (const { offer } of all) checkFits(offer, story);
  const machines = all.map(({ offer }) => offer.machine.id);
  assert.equal(new Set(machines).size, machines.length, `no machine twice${story}`);
}

/** Whatever the search answers. */
function checkFits({ ask, machine }: Contract["offer"], story: string): void {
  const { gpu, gpus, minReliability, minDownloadMbps, diskGb } = request.criteria;
  assert.deepEqual([machine.gpu.name, ask.gpus, machine.verification], [gpu, gpus, "verified"], story);
  assert.ok(
    machine.reliability >= minReliability && machine.down >= minDownloadMbps && machine.diskGb >= diskGb,
    story,
  );
}

interface Bill {
  readonly seconds: number;
  readonly dollars: number;
  /** $/h */
  readonly rate: number;
}

/** Bounds from deadlines, not from how long this test took. */
function checkCost(
  row: RentalRow,
  { contracts }: BillingLedger,
  { seconds, dollars, rate }: Bill,
  story: string,
): void {
  const within = (row.within ?? DEFAULT_WITHIN) * 60;
  assert.ok(seconds <= within, `${seconds} s, not ${within}${story}`);
  assert.ok(dollars <= (within / 3600) * request.criteria.maxPricePerHour, `$${dollars}${story}`);
  if (!row.overlaps) assert.ok(rate <= request.criteria.maxPricePerHour, `$${rate}/h at a time${story}`);
  const given =
    row.outcome === "ready" || row.leaves ? [] : contracts.slice(0, row.outcome === "next" ? -1 : undefined);
  for (const [index, { createdAt, destroyedAt, cost }] of given.entries()) {
    assert.ok(destroyedAt !== null, story);
    const minutes = (destroyedAt - createdAt) / 60_000;
    assert.ok(minutes <= (row.minutes ?? 0), `given up after ${minutes} minutes${story}`);
    assert.ok(cost.total <= ((row.minutes ?? 0) / 60) * request.criteria.maxPricePerHour, `$${cost.total}${story}`);
    const next = contracts[index + 1]?.createdAt ?? Number.POSITIVE_INFINITY;
    assert.ok(destroyedAt <= next, `gone before the next is rented${story}`);
  }
}

async function endWell(scene: SlowScene, { instance }: Rented): Promise<void> {
  assert.equal(scene.openIntents().length, 1, "the intent is open until the state has the machine");
  scene.world.faults.clear();
  await release(scene.means, instance.id);
  assert.deepEqual(scene.world.contracts.living(), []);
}
