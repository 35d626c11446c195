import assert from "node:assert/strict";
import { phaseOf } from "../../components/vast/client/phase.ts";
import { driftOf, plainLines } from "../../components/vast/instance/drift.ts";
import { outputsOf } from "../../components/vast/instance/instance.outputs.ts";
import { isStranded } from "../../components/vast/journal/trouble.ts";
import { release, whatIsLeft } from "../../components/vast/rental/release.ts";
import { rent } from "../../components/vast/rental/rental.ts";
import { resume } from "../../components/vast/rental/resume.ts";
import { ledger } from "../../simulator/index.ts";
import { label, request } from "../support/request.ts";
import type { RunRow } from "./run-rows.ts";
import { SlowScene } from "./scene.ts";

export interface Run {
  /** What a preview says; "" = nothing. */
  readonly tells: string;
  /** What the next up says; "" = nothing. */
  readonly reads: string;
  /** Until the next up was done, seconds, and what that took, dollars. */
  readonly seconds: number;
  readonly dollars: number;
  /** $/h while nothing is done. */
  readonly perHour: number;
}

const DEFAULT_WITHIN = 5;

/** Something happens to a machine that was ready; then a preview, and an up. */
export async function playRun(row: RunRow): Promise<Run> {
  const scene = new SlowScene();
  try {
    const { criteria } = request;
    const rental = row.onDemand ? ("on-demand" as const) : ("interruptible" as const);
    const asked = { ...request, criteria: { ...criteria, rental } };
    const { instance, endpoint, offerId } = await rent(scene.means, asked);
    scene.means.journal.close(label);
    const inputs = {
      ...asked.criteria,
      ...asked.target,
      label,
      image: asked.image,
      publicKeys: [...asked.publicKeys],
      sshKeyFile: "",
      readyTimeoutMinutes: asked.minutes,
      quote: null,
    };
    const olds = outputsOf(instance, inputs, { endpoint, offerId, startedAt: "then" });
    const contract = scene.world.contracts.get(instance.id);
    assert.ok(contract);
    await row.happens(scene, contract);
    await scene.means.clock.sleep(5000);
    const perHour = ledger(scene.world).ratePerHour;
    checkBill(row, perHour, { gpu: instance.gpuPerHour ?? 0, disk: instance.diskPerHour ?? 0 });

    const now = await whatIsLeft(scene.means, instance.id);
    assert.equal(phaseOf(now).phase, row.phase);
    const tells = plainLines(driftOf(olds, asked.criteria.maxPricePerHour, now)).join("; ");
    if (row.tells === undefined) assert.equal(tells, "");
    else assert.match(tells, row.tells);

    scene.world.faults.add(...(row.thenFaults ?? []));
    const began = scene.hand.now();
    const before = scene.spent();
    const reads = now === undefined || row.next === "untouched" ? "" : await bringBack(scene, row, now);
    const seconds = (scene.hand.now() - began) / 1000;
    assert.ok(seconds <= (row.within ?? DEFAULT_WITHIN) * 60, `${seconds} s`);
    assert.deepEqual(scene.tooMany(), [], "calls that Vast turned away");
    assert.equal(scene.world.contracts.all().length, 1, "no other machine is rented");
    const dollars = scene.spent() - before;
    scene.world.faults.clear();
    await release(scene.means, instance.id);
    assert.deepEqual(scene.world.contracts.living(), []);
    return { tells, reads, seconds, dollars, perHour };
  } finally {
    await scene.close();
  }
}

async function bringBack(scene: SlowScene, row: RunRow, instance: NonNullable<Awaited<ReturnType<typeof whatIsLeft>>>) {
  const { criteria, publicKeys, minutes } = request;
  const rental = row.onDemand ? ("on-demand" as const) : ("interruptible" as const);
  scene.said.length = 0;
  scene.shown.length = 0;
  const asked = { criteria: { ...criteria, rental }, publicKey: publicKeys[0] ?? "", minutes: minutes.machine };
  const end = await resume(scene.means, { ...asked, instance, label }).catch((error: Error) => error);
  const texts = [...(end instanceof Error ? [end.message] : []), ...scene.said, ...scene.shown];
  const story = texts.join("\n");
  assert.equal(end instanceof Error, row.next === "refused", story);
  if (end instanceof Error) {
    assert.ok(isStranded(end) && !end.givenUp && end.instance.id === instance.id, `kept, and in the state\n${story}`);
    const [kept, ...others] = scene.world.contracts.living();
    assert.ok(kept !== undefined && others.length === 0, "kept: its disk may hold what somebody needs");
    assert.notEqual(kept.state, "queued", "nothing may start by itself later, and bill");
  } else assert.equal(end.instance.id, instance.id);
  const reads = texts.find((text) => row.reads?.test(text));
  if (row.reads !== undefined) assert.ok(reads !== undefined, `${row.reads}\n${story}`);
  return reads ?? "";
}

function checkBill({ bills }: RunRow, perHour: number, price: { readonly gpu: number; readonly disk: number }): void {
  const wanted = { nothing: 0, disk: price.disk, "gpu and disk": price.gpu + price.disk }[bills];
  if (bills === "gpu and disk") assert.ok(perHour >= wanted - 1e-4, `$${perHour}/h`);
  else assert.ok(Math.abs(perHour - wanted) < 1e-4, `$${perHour}/h, not ${wanted}`);
}
