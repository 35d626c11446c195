import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { Clock } from "../../components/lib/clock.ts";
import { openStateDir } from "../../components/lib/state-dir.ts";
import type { Endpoint } from "../../components/ssh/endpoint.ts";
import { openApi } from "../../components/vast/client/api.ts";
import { VastClient } from "../../components/vast/client/client.ts";
import { vastError } from "../../components/vast/client/errors.ts";
import { InstanceList } from "../../components/vast/client/instance-list.ts";
import { Gates } from "../../components/vast/client/pacing.ts";
import { Journal } from "../../components/vast/journal/journal.ts";
import { Ledger } from "../../components/vast/ledger/ledger.ts";
import type { OfferCriteria } from "../../components/vast/market/criteria.ts";
import { Prices } from "../../components/vast/market/prices.ts";
import { keepIn } from "../../components/vast/ready/connect.ts";
import type { Logins, Means, SetUp } from "../../components/vast/ready/means.ts";
import type { Traces } from "../../components/vast/ready/traces.ts";
import type { RentalRequest } from "../../components/vast/rental/rental-request.ts";
import {
  type Fault,
  type HandClock,
  handClock,
  ledger,
  type Simulator,
  startSimulator,
  type Timings,
} from "../../simulator/index.ts";

export const criteria: OfferCriteria = {
  gpu: "H100 SXM",
  gpus: 1,
  rental: "interruptible",
  maxPricePerHour: 3.5,
  bidMarkup: 0.2,
  diskGb: 150,
  minReliability: 0.95,
  minDownloadMbps: 200,
  minDurationHours: 24,
  verified: true,
  maxOffers: 3,
};

export const label = "vt-abcdefgh-vast-training-test-run-12345678";

export const request: RentalRequest = {
  label,
  urn: "urn:pulumi:test::vast-training::x::run",
  target: { apiUrl: "simulator", apiKeyFile: "" },
  criteria,
  image: "japhba/cot-oracle",
  imageBytes: null,
  imageLogin: null,
  publicKeys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ9bxzXhCG5GdH5XfKbvJrX0Jm3bPmcdkhVwnXXcLwZ4 ours"],
  onstart: "",
  checkpointsDir: "/workspace/checkpoints",
  minutes: { machine: 30, total: 60 },
  provisional: true,
  quote: null,
};

/** A world without machines, in which only our waiting makes time pass. */
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
  const home = mkdtempSync(join(tmpdir(), "vast-rental-test-"));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  const clock = handClock();
  const simulator = await startSimulator({
    home: join(home, "simulator"),
    hosts: "none",
    clock,
    timings: { rent: 0, pull: 0, ...options.timings },
  });
  t.after(() => simulator.close());
  for (const fault of options.faults ?? []) simulator.world.faults.add(fault);
  const world = worldOf(home, clock, simulator, options);
  t.after(() => {
    const known = new Set(options.mayLive?.(world) ?? []);
    const strays = world.living().filter((id) => !known.has(id));
    assert.deepEqual(strays, [], `living and unowned, after:\n${world.said.join("\n")}`);
    const unexpected = simulator.world.requests.filter(({ status, fault }) => status === 429 && fault === undefined);
    assert.deepEqual(unexpected, [], "too many calls");
  });
  return world;
}

function worldOf(home: string, clock: HandClock, simulator: Simulator, { logins }: WorldOptions): World {
  const env = { VAST_TRAINING_HOME: home };
  const ours: Clock = { now: clock.now, sleep: (milliseconds) => clock.advance(milliseconds / 1000) };
  const gates = new Gates(ours.now, ours.sleep);
  const client = new VastClient(openApi(request.target, env), { gates, sleep: ours.sleep, random: () => 0 });
  const dir = openStateDir(env);
  const journal = new Journal(dir.journalDir);
  // As the run's identity does, which comes before any rental.
  journal.begin(label);
  const gone = new AbortController();
  const said: string[] = [];
  const shown: string[] = [];
  const means: Means = {
    client,
    list: new InstanceList(client, ours),
    journal,
    prices: new Prices(dir.pricesDir, simulator.url, ours.now),
    ledger: new Ledger({ own: dir.ledgerDir, lab: "" }, simulator.url, {
      now: ours.now,
      say: async (text) => void said.push(text),
    }),
    clock: ours,
    logins: { ...openDoors, ...logins },
    engine: { signal: gone.signal, alive: async () => !gone.signal.aborted },
    keep: keepIn(() => openStateDir(env).failedDir),
    progress: (text) => void shown.push(text),
    say: async (text) => void said.push(text),
  };
  return {
    means,
    clock,
    simulator,
    journal,
    home,
    said,
    shown,
    killEngine: () => gone.abort(),
    meansWith: (changes) => ({ ...means, list: new InstanceList(changes.client ?? client, ours), ...changes }),
    living: () => simulator.world.contracts.living().map(({ id }) => id),
    requests: (endpoint) => simulator.world.requests.filter((each) => each.endpoint === endpoint).length,
  };
}

const endpoint: Endpoint = { host: "203.0.113.7", port: 22022, via: "direct" };
export const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ9bxzXhCG5GdH5XfKbvJrX0Jm3bPmcdkhVwnXXcLwZ4";

/** Of a machine on which nothing of ours has run. */
export const NO_TRACES: Traces = { kept: false, trained: false, folder: false, saved: false, files: false };

/** Every machine lets us in at once. */
/** Set up, without a word of GPUs. */
export const SET_UP: SetUp = { gpus: null, hasFuse: true };
/** What a machine says of itself. */
export const REPORT = "$ nvidia-smi\nGPU 0: H100";

export const openDoors: Logins = {
  login: async () => ({ ...endpoint, hostKey }),
  isSetUp: async () => SET_UP,
  report: async () => REPORT,
  traces: async () => NO_TRACES,
};

/** Nobody lets us in, and time passes over it. */
export function closedDoors(clock: () => Clock): Logins {
  return {
    login: async (id, { deadline, onAttempt }) => {
      while (clock().now() < deadline) {
        onAttempt?.("denied", "direct");
        await clock().sleep(5000);
      }
      throw vastError("no_login", `instance ${id}: no login over ssh: direct denied`);
    },
    isSetUp: async () => SET_UP,
    report: async (id) => {
      throw vastError("no_login", `instance ${id}: no login over ssh: direct denied`);
    },
    traces: async () => NO_TRACES,
  };
}

/** The same client with some calls of its own. */
export function clientWith(client: VastClient, changes: Partial<VastClient>): VastClient {
  return new Proxy(client, {
    get: (target, name) => {
      const own = changes[name as keyof VastClient] ?? target[name as keyof VastClient];
      return typeof own === "function" ? own.bind(target as never) : own;
    },
  });
}

export function openIntents({ journal }: World): string[] {
  return journal.listOpen().map(({ label: open }) => `${open}.json`);
}

export { ledger };
