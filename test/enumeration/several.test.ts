import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { release } from "../../components/vast/rental/release.ts";
import { rent } from "../../components/vast/rental/rental.ts";
import { noGate, releaseAll } from "../../components/vast/rental/settle.ts";
import { ledger } from "../../simulator/index.ts";
import { request } from "../support/request.ts";
import { Scene } from "../support/scene.ts";
import { sharedTime } from "../support/time.ts";

/** Several who rent at the same time. */
class Crowd extends Scene {
  constructor(t: TestContext) {
    super({ time: sharedTime(), timings: { pull: 0 } });
    t.after(() => this.close());
  }

  /** Who is turned away at the same time as another comes again at another one. */
  process() {
    return this.meansOf(this.client({ random: Math.random }));
  }

  living() {
    return ledger(this.world).contracts.filter(({ destroyedAt }) => destroyedAt === null);
  }
}

const labels = (count: number) => Array.from({ length: count }, (_, index) => `vt-abcdefgh-sweep-s-${index}-12345678`);

test("eight in one process: each gets its own machine, and Vast never says too many calls", async (t) => {
  const crowd = new Crowd(t);
  const means = crowd.process();
  const wanted = labels(8);
  const rented = await Promise.all(wanted.map((label) => rent(means, { ...request, label })));
  const living = crowd.living();
  assert.deepEqual(living.map(({ label }) => label).toSorted(), wanted);
  assert.deepEqual([...new Set(living.map(({ state }) => state))], ["running"], crowd.said.join("\n"));
  assert.equal(new Set(rented.map(({ instance }) => instance.id)).size, 8);
  assert.equal(ledger(crowd.world).contracts.length, 8, "nothing was rented in vain");
  await Promise.all(rented.map(({ instance }) => release(means, instance.id, { label: instance.label })));
  await Promise.all(wanted.map((label) => releaseAll(means, label, noGate)));
  assert.deepEqual(crowd.living(), []);
  assert.deepEqual(crowd.tooMany(), []);
});

for (const seconds of [0, 0.3, 0.7, 1.5, 3]) {
  test(`three processes, ${seconds} s apart: too many calls are waited for, and each has one machine`, async (t) => {
    const crowd = new Crowd(t);
    const wanted = labels(3);
    const processes = wanted.map((label) => ({ label, means: crowd.process() }));
    await Promise.all(
      processes.map(async ({ label, means }, index) => {
        await means.clock.sleep(index * seconds * 1000);
        return rent(means, { ...request, label });
      }),
    );
    const living = crowd.living().map(({ label, state }) => `${label} ${state}`);
    assert.deepEqual(
      living.toSorted(),
      wanted.map((label) => `${label} running`),
      crowd.said.join("\n"),
    );
    assert.ok(crowd.tooMany().length > 0, "gates are not shared between processes");
    await Promise.all(processes.map(({ label, means }) => releaseAll(means, label, noGate)));
    assert.deepEqual(crowd.living(), []);
  });
}
