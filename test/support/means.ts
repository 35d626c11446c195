import { join } from "node:path";
import type { Clock } from "../../components/lib/clock.ts";
import type { Endpoint } from "../../components/ssh/endpoint.ts";
import type { Api } from "../../components/vast/client/api.ts";
import { type ClientOptions, VastClient } from "../../components/vast/client/client.ts";
import { vastError } from "../../components/vast/client/errors.ts";
import { InstanceList } from "../../components/vast/client/instance-list.ts";
import { Gates } from "../../components/vast/client/pacing.ts";
import { Journal } from "../../components/vast/journal/journal.ts";
import { Prices } from "../../components/vast/market/prices.ts";
import type { Logins, Means, SetUp } from "../../components/vast/ready/means.ts";
import type { Traces } from "../../components/vast/ready/traces.ts";

/** What a process of ours stands on. */
export interface Ground {
  readonly api: Api;
  readonly clock: Clock;
  /** The state directory, in which `journal` and `prices` are. */
  readonly home: string;
}

/** A client as another process has it: its gates are its own. It waits by this clock, and never longer by chance. */
export function clientOn({ api, clock }: Omit<Ground, "home">, options: ClientOptions = {}): VastClient {
  const { now, sleep } = clock;
  return new VastClient(api, { gates: new Gates(now, sleep), sleep, random: () => 0, ...options });
}

/** What a process rents with. Every machine lets it in, its engine lives, and nobody listens, unless `changes` say else. */
export function meansOn(ground: Ground, client: VastClient, changes: Partial<Means> = {}): Means {
  const { api, clock, home } = ground;
  return {
    client,
    list: new InstanceList(client, clock),
    journal: new Journal(join(home, "journal")),
    prices: new Prices(join(home, "prices"), api.url, clock.now),
    clock,
    logins: openDoors,
    engine: { signal: new AbortController().signal, alive: async () => true },
    progress: () => {},
    say: async () => {},
    ...changes,
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

const endpoint: Endpoint = { host: "203.0.113.7", port: 22022, via: "direct" };
export const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ9bxzXhCG5GdH5XfKbvJrX0Jm3bPmcdkhVwnXXcLwZ4";

/** Of a machine on which nothing of ours has run. */
export const NO_TRACES: Traces = { kept: false, trained: false, folder: false, saved: false, files: false };
/** Set up, without a word of GPUs. */
export const SET_UP: SetUp = { gpus: null, hasFuse: true };
/** What a machine says of itself. */
export const REPORT = "$ nvidia-smi\nGPU 0: H100";

/** Every machine lets us in at once. */
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
