import type { PhaseName } from "../../components/vast/client/phase.ts";
import type { Contract } from "../../simulator/contracts/contract.ts";
import type { Fault } from "../../simulator/index.ts";
import { happen } from "../../simulator/world/mishaps.ts";
import type { SlowScene } from "./scene.ts";

/** What the next `pulumi up --refresh` makes of it. */
export type Next =
  | "untouched" // there is nothing to do
  | "back" // the same machine, ready again
  | "refused"; // it cannot be brought back: says why, and keeps it

/** Something that happens to a machine that was ready. */
export interface RunRow {
  readonly what: string;
  readonly knobs: readonly string[];
  readonly happens: (scene: SlowScene, contract: Contract) => unknown;
  /** Rented on demand instead of by a bid. */
  readonly onDemand?: boolean;
  /** What is wrong when it is brought back. */
  readonly thenFaults?: readonly Fault[];
  /** What Vast's words are taken for. */
  readonly phase: PhaseName;
  /** The line of a preview, or of an up that changes nothing; undefined = none. */
  readonly tells: RegExp | undefined;
  readonly next: Next;
  /** What is read while it is brought back. */
  readonly reads: RegExp | undefined;
  /** What goes on billing meanwhile. */
  readonly bills: "gpu and disk" | "disk" | "nothing";
  /** Longest until it is decided, minutes; default 5. */
  readonly within?: number;
  /** The line for the document says more than `reads`. */
  readonly note?: string;
}

type Arguments = Readonly<Record<string, unknown>>;

const mishap =
  (name: string, args: Arguments = {}) =>
  ({ world }: SlowScene, contract: Contract) =>
    happen(world, contract, name, args);

const START = "PUT /instances/{id}/";

export const RUN_ROWS: readonly RunRow[] = [
  {
    what: "Somebody bids more, and the cap allows to bid again",
    knobs: ["outbid"],
    happens: mishap("outbid"),
    phase: "stopped",
    tells:
      /: stopped: outbid, its GPUs take \$1\.\d{3}\/h now and \$1\.\d{3}\/h is bid, and its disk goes on costing .*; pulumi up --refresh starts it again$/,
    next: "back",
    reads: /^instance \d+ was outbid; bidding \$1\.\d{3}\/h instead of \$1\.\d{3}\/h$/,
    bills: "disk",
  },
  {
    what: "Somebody bids more than the GPUs cost on demand",
    knobs: ["outbid"],
    happens: mishap("outbid", { perHour: 5 }),
    phase: "stopped",
    tells: /: stopped: outbid, its GPUs take \$5\.001\/h now/,
    next: "refused",
    reads:
      /is outbid: it takes a bid of \$5\.\d{3}\/h now, and on demand it costs no more \(\$\d\.\d{3}\/h\), so nothing is bid; wait/,
    bills: "disk",
  },
  {
    what: "Somebody rents its GPUs on demand",
    knobs: ["preemptByOnDemand", "startQueued"],
    happens: mishap("preempt"),
    phase: "stopped",
    tells:
      /: stopped: displaced by a rental on demand, by its host, for lack of credit, or by itself after training.*; pulumi up --refresh/,
    next: "refused",
    reads: /cannot be started now: its GPUs are rented by somebody else .*the start that Vast had queued is called off/,
    bills: "disk",
  },
  {
    what: "The host stops it",
    knobs: ["spontaneousStop"],
    happens: mishap("stop"),
    phase: "stopped",
    tells: /: stopped: displaced .* by its host.*; pulumi up --refresh starts it again$/,
    next: "back",
    reads: undefined,
    bills: "disk",
  },
  {
    what: "The host stops it, and Vast queues the start",
    knobs: ["startQueued"],
    happens: mishap("stop"),
    thenFaults: [{ on: START, do: "startQueued" }],
    phase: "stopped",
    tells: /: stopped/,
    next: "refused",
    reads:
      /resources are currently unavailable, state change queued.*is called off, so that it does not bill unasked later/,
    bills: "disk",
  },
  {
    what: "A stop takes two minutes, and is taken back",
    knobs: ["stopSlow"],
    happens: async ({ world, means }, { id }) => {
      world.faults.add({ on: START, do: "stopSlow", seconds: 120 });
      await means.client.setState(id, "stopped");
    },
    onDemand: true,
    phase: "stopped",
    tells: /: stopping.*; pulumi up --refresh starts it again$/,
    next: "back",
    reads: undefined,
    bills: "gpu and disk",
  },
  {
    what: "The host reboots, and its ports move",
    knobs: ["hostReboot", "portChangesOnRestart"],
    happens: ({ world }, contract) => {
      world.faults.add({ on: "boot", do: "portChangesOnRestart" });
      return happen(world, contract, "reboot", {});
    },
    phase: "pending",
    tells: /: 3\/6 container start: rebooting; pulumi up --refresh waits for it/,
    next: "back",
    reads: undefined,
    bills: "gpu and disk",
  },
  {
    what: "The container ends by itself",
    knobs: ["exitedDuringBoot"],
    happens: mishap("crash"),
    phase: "stopped",
    tells: /: the container has exited.*; pulumi up --refresh starts it again$/,
    next: "back",
    reads: undefined,
    bills: "disk",
  },
  {
    what: "The host is not heard of for two minutes",
    knobs: ["unknownBlip"],
    happens: mishap("unknown", { forSeconds: 120 }),
    phase: "unknown",
    tells: /: the host has stopped reporting; pulumi up --refresh waits for it/,
    next: "back",
    reads: /^the host has stopped reporting, \d+ s$/,
    bills: "gpu and disk",
  },
  {
    what: "The host is not heard of any more",
    knobs: ["unknownThenOffline"],
    happens: mishap("unknown"),
    phase: "unknown",
    tells: /: the host has stopped reporting; pulumi up --refresh waits for it, pulumi destroy ends it$/,
    next: "refused",
    reads: /is not ready again: the host has stopped reporting, for 5 minutes now/,
    bills: "gpu and disk",
    within: 7,
  },
  {
    what: "The host is offline",
    knobs: ["hostOffline"],
    happens: mishap("offline"),
    phase: "offline",
    tells: /: the host is offline; pulumi up --refresh waits for it, pulumi destroy ends it$/,
    next: "refused",
    reads: /is not ready again: the host is offline, for 2 minutes now/,
    bills: "nothing",
  },
  {
    what: "Its GPU falls off, and nobody at Vast notices",
    knobs: ["gpuFallenOff"],
    happens: mishap("gpuLost"),
    phase: "ready",
    tells: undefined,
    next: "untouched",
    reads: undefined,
    bills: "gpu and disk",
    note: "training ends with CUDA's error in its log, and the machine stops itself (`afterTraining`)",
  },
  {
    what: "Its GPU has fallen off when it is started again",
    knobs: ["gpuFallenOff"],
    happens: mishap("stop"),
    thenFaults: [{ on: "run", do: "gpuLost" }],
    phase: "stopped",
    tells: /: stopped/,
    next: "refused",
    reads: /is not ready again: nvidia-smi finds 0 of its 1 GPUs: GPU is lost/,
    bills: "disk",
  },
  {
    what: "It vanishes, or somebody else ends it",
    knobs: ["vanish"],
    happens: mishap("vanish"),
    phase: "gone",
    tells: /is gone at Vast; pulumi up --refresh rents a new one$/,
    next: "untouched",
    reads: undefined,
    bills: "nothing",
  },
  {
    what: "Its time on the market is over",
    knobs: ["endDateReached"],
    happens: mishap("expire"),
    phase: "stopped",
    tells: /: stopped/,
    next: "refused",
    reads:
      /is stopped: its rental ended on 20\d\d-\d\d-\d\d \d\d:\d\d UTC, .*VAST_DISCARD_CHECKPOINTS=\d+ pulumi destroy gives up/,
    bills: "disk",
  },
  {
    what: "The account runs dry",
    knobs: ["zeroBalanceStopAll"],
    happens: mishap("zeroBalance"),
    phase: "stopped",
    tells: /: stopped: displaced .* or by itself after training.*; pulumi up --refresh/,
    next: "refused",
    reads:
      /is stopped: the account has no credit left, so Vast has stopped its machines; add credit, then run pulumi up/,
    bills: "disk",
  },
  {
    what: "The host raises its price above the cap",
    knobs: ["price change"],
    happens: mishap("priceRise", { factor: 3 }),
    onDemand: true,
    phase: "ready",
    tells: /costs \$\d\.\d{3}\/h now, more than maxPricePerHour \$3\.500\/h; pulumi destroy ends it$/,
    next: "untouched",
    reads: undefined,
    bills: "gpu and disk",
  },
];
