import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { isAll } from "../support/all.ts";
import { MOMENTS, type Moment } from "./cases.ts";
import { Stage } from "./stage.ts";

const isRoot = process.getuid?.() === 0 && process.platform === "linux";
const skip = !isRoot ? "machines need root on Linux" : isAll ? false : "long: npm run test:all";

/** Vast wants so long between two looks at an instance. */
const LONGEST_GATE_MS = 2100;

/** Looked at until a machine has come up, or has gone: how often depends on how busy this machine is. */
const LOOKED_AT = ["GET /api/v1/instances/", "GET /instances/{id}/"];

test("every call of a clean up, refresh and destroy is among the moments", { skip, timeout: 280_000 }, async (t) => {
  const stage = await Stage.open();
  t.after(() => stage.close());
  stage.reset();
  for (const command of ["up", "refresh", "destroy"] as const) {
    // Each process has gates of its own: they do not know what the command before has just asked.
    await sleep(LONGEST_GATE_MS);
    const before = stage.requests().length;
    assert.equal((await stage.pulumi(command, ["--yes", "--skip-preview"])).code, 0, stage.transcript());
    const calls = stage.requests().slice(before);
    const made = countsOf(calls.map(({ endpoint }) => endpoint));
    assert.deepEqual(
      calls.filter(({ status }) => status === 429),
      [],
      `${command} calls too often`,
    );
    assert.deepEqual(Object.keys(made).toSorted(), Object.keys(known(command)).toSorted(), command);
    for (const look of LOOKED_AT) {
      const wanted = known(command)[look] ?? 0;
      assert.ok((made[look] ?? 0) >= wanted, `${command} looks as often as is enumerated: ${look}`);
      made[look] = wanted;
    }
    assert.deepEqual(made, withLooks(known(command)), command);
  }
});

/** With a count of each look, also of one that is never made. */
function withLooks(counts: Record<string, number>): Record<string, number> {
  return { ...Object.fromEntries(LOOKED_AT.map((look) => [look, 0])), ...counts };
}

/** How many calls of each endpoint the moments of a command know. */
function known(command: Moment["command"]): Record<string, number> {
  const calls = MOMENTS.filter((moment) => moment.command === command).map(({ endpoint, nth }) => `${endpoint}#${nth}`);
  return countsOf([...new Set(calls)].map((call) => call.split("#")[0] ?? ""));
}

function countsOf(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
