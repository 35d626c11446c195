import assert from "node:assert/strict";
import { test } from "node:test";
import { isAll } from "../support/all.ts";
import { MOMENTS, type Moment } from "./cases.ts";
import { Stage } from "./stage.ts";

const isRoot = process.getuid?.() === 0 && process.platform === "linux";
const skip = !isRoot ? "machines need root on Linux" : isAll ? false : "long: npm run test:all";

/** Looked at until a machine has come up, or has gone: how often depends on how busy this machine is. */
const LOOKED_AT = "GET /api/v1/instances/";

test("every call of a clean up, refresh and destroy is among the moments", { skip, timeout: 280_000 }, async (t) => {
  const stage = await Stage.open();
  t.after(() => stage.close());
  stage.reset();
  for (const command of ["up", "refresh", "destroy"] as const) {
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
    assert.ok((made[LOOKED_AT] ?? 0) >= (known(command)[LOOKED_AT] ?? 0), `${command} looks as often as is enumerated`);
    assert.deepEqual({ ...made, [LOOKED_AT]: 0 }, { ...known(command), [LOOKED_AT]: 0 }, command);
  }
});

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
