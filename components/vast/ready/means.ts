import type { Events } from "../../events/events.ts";
import type { Clock } from "../../lib/clock.ts";
import type { EngineWatch } from "../../pulumi/engine.ts";
import type { Endpoint } from "../../ssh/endpoint.ts";
import type { VastClient } from "../client/client.ts";
import type { InstanceList } from "../client/instance-list.ts";
import type { Instance } from "../client/wire.ts";
import type { Journal } from "../journal/journal.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { Prices } from "../market/prices.ts";
import type { LiveEndpoint } from "./live-endpoint.ts";
import type { Traces } from "./traces.ts";

/** How long a login may be tried, and who is told of failed attempts. */
export interface LoginPatience {
  /** Give up at this time. */
  readonly deadline: number;
  readonly signal: AbortSignal;
  /** The instance as Vast has just shown it; default: Vast is asked. */
  readonly seen?: Instance;
  /** Hears of each attempt that failed: "direct refused". */
  readonly onAttempt?: (reason: string, via: Endpoint["via"]) => void;
}

/** What nvidia-smi says. */
export interface GpuReport {
  /** How many it lists. */
  readonly gpus: number;
  /** Its output. */
  readonly said: string;
}

/** What a machine reports once its onstart has run. */
export interface SetUp {
  /** null = it has no nvidia-smi. */
  readonly gpus: GpuReport | null;
  /** It can ask Vast to end it. */
  readonly hasFuse: boolean;
}

/** Ways into an instance. */
export interface Logins {
  /** The first endpoint that lets us in; throws as `liveEndpoint` does. */
  login(instanceId: number, patience: LoginPatience): Promise<LiveEndpoint>;
  /**
   * Waits for the mark that onstart has run; false = it did not come in time.
   */
  isSetUp(instanceId: number, endpoint: Endpoint, patience: LoginPatience): Promise<false | SetUp>;
  /** What a machine that runs says of itself: nvidia-smi, its disks, its log of setting up. Throws as `login` does. */
  report(instanceId: number, signal: AbortSignal): Promise<string>;
  /** What a machine that lets us in tells of a training of ours. Throws RemoteError. */
  traces(instanceId: number, endpoint: Endpoint, patience: Pick<LoginPatience, "signal">): Promise<Traces>;
}

/** Keeps a text in a file for people, under a name that begins with the time; answers with its path. */
export type Keep = (name: string, text: string) => string;

/**
 * Everything outside that renting and releasing use: Vast, the clock, logins, the journal, the engine, the user's
 * terminal.
 */
export interface Means {
  readonly client: VastClient;
  readonly list: InstanceList;
  readonly journal: Journal;
  readonly prices: Prices;
  /** undefined = there is no ledger: nothing is known or noted. */
  readonly ledger?: Ledger | undefined;
  /** undefined = what happens is noted nowhere. */
  readonly events?: Events | undefined;
  readonly clock: Clock;
  readonly logins: Logins;
  readonly engine: Pick<EngineWatch, "signal" | "alive">;
  /** undefined = nothing is kept of machines that failed. */
  readonly keep?: Keep;
  /** Shows a text until the next one comes. */
  readonly progress: (text: string) => void;
  /** Prints a line that stays. */
  readonly say: (text: string) => Promise<void>;
}
