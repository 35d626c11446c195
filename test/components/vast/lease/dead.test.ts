import assert from "node:assert/strict";
import { test } from "node:test";
import { send, type Transport } from "../../../../components/vast/client/transport.ts";
import { hold } from "../../../../components/vast/lease/lease.ts";
import { rent } from "../../../../components/vast/rental/rental.ts";
import { renting, type World } from "../../../support/renting.ts";
import { request } from "../../../support/request.ts";

const MINUTE = 60;
const LEASE_MINUTES = 240;

/** A process that dies at its nth call, before or after that was carried out: nothing more of it leaves. */
function mortal(world: World, nth: number, after: boolean) {
  let calls = 0;
  let die = () => {};
  const death = new Promise<void>((resolve) => {
    die = resolve;
  });
  const transport: Transport = async (url, key, asked) => {
    calls += 1;
    if (calls > nth || (calls === nth && !after)) die();
    if (calls > nth || (calls === nth && !after)) return new Promise(() => {});
    const answer = await send(url, key, asked);
    if (calls < nth) return answer;
    die();
    return new Promise(() => {});
  };
  return { means: world.meansOver({ transport }), death };
}

/** A launch up to its first step; true = it came so far. */
async function launch({ means, death }: ReturnType<typeof mortal>): Promise<boolean> {
  const life = async () => {
    const { instance } = await rent(means, request);
    await hold(means.client, instance.id, LEASE_MINUTES);
    return true;
  };
  return Promise.race([life(), death.then(() => false)]);
}

/** Nobody of ours is left: what bills its GPUs after the last fuse but that of the machine itself. */
async function billing({ simulator, clock }: World): Promise<{ id: number; onstart: string }[]> {
  await clock.advance((Math.max(request.minutes.total + 60, LEASE_MINUTES) + 61) * MINUTE);
  const { living, get } = { living: simulator.world.contracts.living(), get: simulator.world.contracts };
  return living
    .filter(({ meter }) => meter.rates.gpu > 0)
    .map(({ id }) => ({ id, onstart: get.get(id)?.order.onstart ?? "" }));
}

for (const reading of ["waits", "nextHour"] as const) {
  test(`our side dead at each call of a launch: its GPUs bill no longer than a fuse allows (${reading})`, async (t) => {
    const ends: string[] = [];
    for (let nth = 1; ; nth++) {
      let whole = 0;
      for (const after of [false, true]) {
        const world = await renting(t, { mayLive: ({ living }) => living() });
        world.simulator.world.schedule.reading = reading;
        world.simulator.world.account.paidIn = 10_000;
        if (await launch(mortal(world, nth, after))) whole += 1;
        const { endpoint } = world.simulator.world.requests.at(-1) ?? { endpoint: "nothing" };
        const left = await billing(world);
        // Only the machine's own fuse covers what died before Vast was told.
        for (const { onstart } of left) assert.match(onstart, /vast-training-fuse/, `${nth} ${after}`);
        ends.push(`${after ? "after" : "before"} ${nth} (${endpoint}): ${left.length === 0 ? "ended" : "own fuse"}`);
      }
      if (whole === 2) break;
    }
    const own = ends.filter((end) => end.endsWith("own fuse"));
    // Between the rental and the job: its answer was lost, or the job had not left.
    assert.ok(own.length > 0 && own.every((end) => end.includes("(PUT /asks/{id}/)")), ends.join("\n"));
    assert.ok(ends.length > 12, ends.join("\n"));
  });
}
