import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { openStateDir } from "../../components/lib/state-dir.ts";
import { openApi } from "../../components/vast/client/api.ts";
import type { ClientOptions } from "../../components/vast/client/client.ts";
import { vastError } from "../../components/vast/client/errors.ts";
import { InstanceList } from "../../components/vast/client/instance-list.ts";
import { Journal } from "../../components/vast/journal/journal.ts";
import { Ledger } from "../../components/vast/ledger/ledger.ts";
import { keepIn } from "../../components/vast/ready/connect.ts";
import type { Logins, Means } from "../../components/vast/ready/means.ts";
import type { Fault, HandClock, Simulator, Timings } from "../../simulator/index.ts";
import { clientOn, meansOn, openDoors } from "./means.ts";
import { label, request } from "./request.ts";
import { simulate } from "./simulator.ts";
import { ownTime } from "./time.ts";

/** One process of ours and Vast over HTTP, without machines; only our waiting makes time pass. */
export interface World {
  readonly means: Means;
  readonly clock: HandClock;
  readonly simulator: Simulator;
  readonly journal: Journal;
  /** VAST_TRAINING_HOME. */
  readonly home: string;
  readonly said: string[];
  readonly shown: string[];
  /** The engine is gone from now on. */
  readonly killEngine: () => void;
  /** Other means over the same world: another process, or other eyes. */
  readonly meansWith: (changes: Partial<Means>) => Means;
  /** The same with a client of its own. */
  readonly meansOver: (options: ClientOptions) => Means;
  /** Living contracts by id. */
  readonly living: () => number[];
  /** "PUT /asks/{id}/" and so on, in order. */
  readonly requests: (endpoint: string) => number;
}

/** Every living contract must be named here when the test is over; none is the default. */
export interface WorldOptions {
  readonly faults?: readonly Fault[];
  readonly timings?: Partial<Timings>;
  readonly logins?: Partial<Logins>;
  readonly mayLive?: (world: World) => readonly number[];
}

export async function renting(t: TestContext, options: WorldOptions = {}): Promise<World> {
  const { hand, clock } = ownTime();
  const { home, env, simulator } = await simulate(t, {
    clock: hand,
    timings: { rent: 0, pull: 0, ...options.timings },
    faults: options.faults ?? [],
  });
  const ground = { api: openApi(request.target, env), clock, home };
  const dir = openStateDir(env);
  const journal = new Journal(dir.journalDir);
  // As the run's identity does, which comes before any rental.
  journal.begin(label);
  const gone = new AbortController();
  const said: string[] = [];
  const shown: string[] = [];
  const say = async (text: string) => void said.push(text);
  const means = meansOn(ground, clientOn(ground), {
    journal,
    ledger: new Ledger({ own: dir.ledgerDir, lab: "" }, simulator.url, { now: clock.now, say }),
    logins: { ...openDoors, ...options.logins },
    engine: { signal: gone.signal, alive: async () => !gone.signal.aborted },
    keep: keepIn(() => openStateDir(env).failedDir),
    progress: (text) => void shown.push(text),
    say,
  });
  const meansWith: World["meansWith"] = (changes) => {
    return { ...means, list: new InstanceList(changes.client ?? means.client, clock), ...changes };
  };
  const world: World = {
    ...{ means, clock: hand, simulator, journal, home, said, shown, meansWith },
    killEngine: () => gone.abort(),
    meansOver: (options) => meansWith({ client: clientOn(ground, options) }),
    living: () => simulator.world.contracts.living().map(({ id }) => id),
    requests: (endpoint) => simulator.world.requests.filter((each) => each.endpoint === endpoint).length,
  };
  t.after(() => {
    const known = new Set(options.mayLive?.(world) ?? []);
    const strays = world.living().filter((id) => !known.has(id));
    assert.deepEqual(strays, [], `living and unowned, after:\n${said.join("\n")}`);
    const unexpected = simulator.world.requests.filter(({ status, fault }) => status === 429 && fault === undefined);
    assert.deepEqual(unexpected, [], "too many calls");
  });
  return world;
}

export function openIntents({ journal }: World): string[] {
  return journal.listOpen().map(({ label: open }) => `${open}.json`);
}

/** Lets us in a while later, when the machine runs then: what happens to a running one is seen before it is ready. */
export function slowDoors(world: () => Pick<World, "means" | "simulator">): Pick<Logins, "login"> {
  return {
    login: async (_id, { signal }) => {
      const { means, simulator } = world();
      await means.clock.sleep(1500, signal);
      const [contract] = simulator.world.contracts.living();
      if (contract?.state !== "running") throw vastError("not_running", "stopped");
      return { host: "203.0.113.7", port: 22, via: "direct", hostKey: "ssh-ed25519 AAAA" };
    },
  };
}
