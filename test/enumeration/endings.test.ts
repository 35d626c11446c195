import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { isVastError } from "../../components/vast/client/errors.ts";
import { clientOn } from "../support/means.ts";
import { simulate } from "../support/simulator.ts";
import { ownTime } from "../support/time.ts";
import { caseName, caseNamed, sample } from "./cases.ts";
import { CREATE, endingsOf, SAME } from "./endings.ts";
import { LIVES, play } from "./life.ts";
import { Process } from "./process.ts";
import { CaseScene } from "./scene.ts";

const ORDER = { image: "x", label: "vt-x", diskGb: 10, bidPerHour: 9, env: {}, onstart: "" };

function tempDir(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), "vast-endings-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** What a rental that ends so is read as. */
async function readAs(dir: string, ending: string): Promise<string> {
  const scene = await CaseScene.open(dir);
  const process = new Process(scene, { command: 0, faults: [{ endpoint: CREATE, nth: 1, ending }] });
  const [offer] = [...scene.world.market.offers()];
  const end = await process.run(({ client }) => client.rent(offer?.ask.id ?? 0, ORDER));
  await scene.close();
  if (end.how !== "failed") return end.how;
  return isVastError(end.error) ? end.error.kind : String(end.error);
}

test("an ending that stands for others is read as they are", async (t) => {
  const dir = tempDir(t);
  for (const [ending, other] of Object.entries(SAME)) {
    const [one, two] = [await readAs(dir, ending), await readAs(dir, other)];
    const isAlike = one === two || (ending === "spendLimit" && one === "spend_limit" && two === "no_credit");
    assert.ok(isAlike, `${ending} is read as ${one}, ${other} as ${two}`);
  }
});

/** The faults of the simulator over HTTP, and the endings without sockets that are the same. */
const OVER_HTTP: readonly [fault: string, ending: string][] = [
  ["resetBefore", "resetBefore"],
  ["resetAfter", "resetAfter"],
  ["serverErrorBefore", "html502Before"],
  ["serverErrorAfter", "html502After"],
  ["serverErrorJson", "error500"],
  ["empty200", "empty200"],
  ["truncatedJson", "truncatedJson"],
  ["success200False", "success200False"],
  ["authError404", "authError404"],
  ["offerTaken410", "offerTaken410"],
  ["insufficientCredit", "noCredit"],
  ["errorWithContract", "errorWithContract"],
];

test("a client reads the same over HTTP", async (t) => {
  const dir = tempDir(t);
  const { hand, clock } = ownTime();
  const { simulator } = await simulate(t, { clock: hand, pace: false, timings: { rent: 0 } });
  const { url, apiKey, world } = simulator;
  const client = clientOn({ api: { url, key: () => apiKey, keySource: "a test" }, clock });
  const offers = [...world.market.offers()].filter(({ ask }) => ask.tenant === undefined && ask.gpus === 1);
  for (const [index, [fault, ending]] of OVER_HTTP.entries()) {
    world.faults.add({ on: CREATE, do: fault });
    const error: unknown = await client.rent(offers[index]?.ask.id ?? 0, ORDER).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    assert.equal(isVastError(error) ? error.kind : error, await readAs(dir, ending), fault);
  }
});

test("a clean life has no call too many, and few calls", async (t) => {
  const dir = tempDir(t);
  for (const life of Object.keys(LIVES)) {
    const { wrong, calls } = await play(dir, { life, faults: [], recovery: "up" });
    assert.deepEqual(wrong, [], life);
    assert.ok(calls.length < 40, `${life}: ${calls.length} calls`);
  }
});

test("a case is found again by its name, and a sample by its seed", () => {
  const faults = endingsOf(CREATE).map((ending) => ({ endpoint: CREATE, nth: 2, ending }));
  for (const fault of faults) {
    const one = { life: "plain", faults: [fault, { ...fault, nth: 13 }], recovery: "destroy" as const };
    assert.deepEqual(caseNamed(caseName(one)), one);
  }
  assert.deepEqual(sample(faults, 5, 7), sample(faults, 5, 7));
  assert.equal(new Set(sample(faults, 5, 7)).size, 5);
  assert.notDeepEqual(sample(faults, 5, 7), sample(faults, 5, 8));
});
