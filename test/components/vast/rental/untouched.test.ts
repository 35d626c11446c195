import assert from "node:assert/strict";
import { test } from "node:test";
import { remoteError } from "../../../../components/ssh/remote-error.ts";
import { vastError } from "../../../../components/vast/client/errors.ts";
import { isKept } from "../../../../components/vast/journal/trouble.ts";
import type { Logins } from "../../../../components/vast/ready/means.ts";
import type { Traces } from "../../../../components/vast/ready/traces.ts";
import { rent } from "../../../../components/vast/rental/rental.ts";
import { noGate, releaseAll } from "../../../../components/vast/rental/settle.ts";
import { doubtAbout, ensureUntouched } from "../../../../components/vast/rental/untouched.ts";
import { NO_TRACES } from "../../../support/means.ts";
import { renting } from "../../../support/renting.ts";
import { label, request } from "../../../support/request.ts";

const NOWHERE = "It comes home by magic.";

test("what no step of ours has touched may go, and what tells of training stays as it is", async (t) => {
  const world = await renting(t);
  const { instance } = await rent(world.means, request);
  await ensureUntouched(world.means, instance, NOWHERE);
  const marks: (keyof Traces)[] = ["trained", "saved", "files"];
  for (const mark of marks) {
    const logins: Logins = { ...world.means.logins, traces: async () => ({ ...NO_TRACES, [mark]: true }) };
    await assert.rejects(ensureUntouched(world.meansWith({ logins }), instance, NOWHERE), (error) => {
      assert.ok(isKept(error));
      const way = `It comes home by magic. To give up what is on it, put VAST_DISCARD_CHECKPOINTS=${instance.id} before`;
      assert.ok(error.message.includes("training has run on it; it goes on billing. "), error.message);
      return error.message.includes(way);
    });
  }
  assert.equal(world.simulator.world.contracts.get(instance.id)?.state, "running");
  await releaseAll(world.means, label, noGate);
  assert.equal(await doubtAbout(world.means, instance.id), undefined);
});

test("what nobody can look into is stopped, and kept with the price of its disk", async (t) => {
  const world = await renting(t);
  const { instance } = await rent(world.means, request);
  const refusals: Partial<Logins>[] = [
    { login: async () => Promise.reject(vastError("no_login", "no login over ssh")) },
    { traces: async () => Promise.reject(remoteError("failed", "the machine does not say")) },
  ];
  for (const logins of refusals) {
    const means = world.meansWith({ logins: { ...world.means.logins, ...logins } });
    const why =
      /nobody can see whether checkpoints are on it \((no login over ssh|the machine does not say)\); it (was|is) stopped, and its disk goes on costing \$\d/;
    await assert.rejects(ensureUntouched(means, instance, NOWHERE), why);
    await world.means.clock.sleep(30_000);
    assert.equal(world.simulator.world.contracts.get(instance.id)?.state, "stopped");
  }
  process.env.VAST_DISCARD_CHECKPOINTS = String(instance.id);
  t.after(() => delete process.env.VAST_DISCARD_CHECKPOINTS);
  await ensureUntouched(world.means, instance, NOWHERE);
  await releaseAll(world.means, label, noGate);
});
