import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Clock } from "../../components/lib/clock.ts";
import { VastClient } from "../../components/vast/client/client.ts";
import { InstanceList } from "../../components/vast/client/instance-list.ts";
import { Gates } from "../../components/vast/client/pacing.ts";
import { noAnswer } from "../../components/vast/client/transport.ts";
import { Journal } from "../../components/vast/journal/journal.ts";
import { Prices } from "../../components/vast/market/prices.ts";
import type { Means } from "../../components/vast/ready/means.ts";
import { release } from "../../components/vast/rental/release.ts";
import { rent } from "../../components/vast/rental/rental.ts";
import { noGate, releaseAll } from "../../components/vast/rental/settle.ts";
import { exchange, type HandClock, handClock, ledger, openWorld, type World } from "../../simulator/index.ts";
import { openDoors, request } from "../support/renting.ts";

const KEY = "k".repeat(64);
const TURN_SECONDS = 0.02;

/** Several who rent at the same time, on one clock that goes on while all of them wait. */
class Crowd {
  readonly hand: HandClock = handClock();
  readonly world: World;
  readonly dir: string;
  readonly said: string[] = [];

  constructor(t: TestContext) {
    this.dir = mkdtempSync(join(tmpdir(), "vast-several-"));
    t.after(() => rmSync(this.dir, { recursive: true, force: true }));
    mkdirSync(join(this.dir, "prices"));
    this.world = openWorld({ timings: { pull: 0 } }, { clock: this.hand, apiKey: KEY });
    t.after(() => this.world.life.close());
  }

  /** A process: its own client, gates and list. */
  process(): Means {
    const clock: Clock = {
      now: this.hand.now,
      sleep: (milliseconds) => new Promise((done) => void this.hand.after(milliseconds, done)),
    };
    const client = new VastClient(
      { url: "https://vast.test", key: () => KEY, keySource: "a test" },
      {
        gates: new Gates(clock.now, clock.sleep),
        sleep: clock.sleep,
        transport: async (url, _key, { call, query, body }) => {
          const address = new URL(`http://vast.test${call.path}?${new URLSearchParams(query)}`);
          const text = body === undefined ? "" : JSON.stringify(body);
          const incoming = { method: call.method, url: address, key: KEY, address: "", body: text };
          const answer = await exchange(this.world, incoming);
          if ("cut" in answer) throw noAnswer(call, url, "ECONNRESET");
          return {
            status: answer.status,
            text: answer.body,
            headers: { date: new Date(this.world.clock.now()).toUTCString() },
          };
        },
      },
    );
    return {
      client,
      list: new InstanceList(client, clock),
      journal: new Journal(this.dir),
      prices: new Prices(join(this.dir, "prices"), "https://vast.test", clock.now),
      clock,
      logins: openDoors,
      engine: { signal: new AbortController().signal, alive: async () => true },
      progress: () => {},
      say: async (text) => void this.said.push(text),
    };
  }

  /** Lets time pass until all of them are done. */
  async all<T>(actions: readonly Promise<T>[]): Promise<T[]> {
    let isOver = false;
    const results = Promise.all(actions).finally(() => {
      isOver = true;
    });
    results.catch(() => {});
    while (!isOver) {
      await this.hand.advance(TURN_SECONDS);
      await new Promise((next) => setImmediate(next));
    }
    return results;
  }

  tooMany(): string[] {
    return this.world.requests.filter(({ status }) => status === 429).map(({ endpoint }) => endpoint);
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
  const rented = await crowd.all(wanted.map((label) => rent(means, { ...request, label })));
  const living = crowd.living();
  assert.deepEqual(living.map(({ label }) => label).toSorted(), wanted);
  assert.deepEqual([...new Set(living.map(({ state }) => state))], ["running"], crowd.said.join("\n"));
  assert.equal(new Set(rented.map(({ instance }) => instance.id)).size, 8);
  assert.equal(ledger(crowd.world).contracts.length, 8, "nothing was rented in vain");
  await crowd.all(rented.map(({ instance }) => release(means, instance.id, { label: instance.label })));
  await crowd.all(wanted.map((label) => releaseAll(means, label, noGate)));
  assert.deepEqual(crowd.living(), []);
  assert.deepEqual(crowd.tooMany(), []);
});

for (const seconds of [0, 0.3, 0.7, 1.5, 3]) {
  test(`three processes, ${seconds} s apart: too many calls are waited for, and each has one machine`, async (t) => {
    const crowd = new Crowd(t);
    const wanted = labels(3);
    const processes = wanted.map((label) => ({ label, means: crowd.process() }));
    await crowd.all(
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
    await crowd.all(processes.map(({ label, means }) => releaseAll(means, label, noGate)));
    assert.deepEqual(crowd.living(), []);
  });
}
