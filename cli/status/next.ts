import type { Stand } from "./phase.ts";

/** A command to type, and what it does. */
export type Next = readonly [command: string, does: string];

/** What to type next. @param stack its name */
export function nextOf({ phase, exitCode }: Pick<Stand, "phase" | "exitCode">, stack: string): Next[] {
  const of = `-s ${stack}`;
  const logs: Next = [`vast-run logs -f ${of}`, "follows the log"];
  const sync: Next = [`vast-run sync ${of}`, "brings the checkpoints home"];
  const end: Next = [`pulumi destroy ${of}`, "brings all home, and ends the bill"];
  const up = (does: string): Next => [`pulumi up ${of}`, does];
  const refresh = (does: string): Next => [`pulumi up --refresh ${of}`, does];
  switch (phase) {
    case "nothing yet":
      return [[`pulumi preview ${of}`, "quotes a machine"], up("rents it and trains")];
    case "quoted":
      return [up("rents it and trains")];
    case "renting":
    case "booting":
      return [
        [`vast-run status --watch ${of}`, "watches it"],
        [`vast-run recover ${of}`, "when no pulumi up runs any more"],
      ];
    case "preparing":
    case "resumed":
      return [logs, end];
    case "training":
      return [logs, sync, end];
    case "ended":
      return exitCode === 0 ? [sync, end] : [[`vast-run logs ${of}`, "shows why"], up("trains again"), end];
    case "failed":
      return [up("tries again"), end];
    case "outbid":
      return [refresh("bids again"), end];
    case "stopped":
      return [refresh("starts it again"), end];
    case "released":
      return [[`vast-run logs ${of}`, "shows its log, from home"], up("rents anew")];
    case "gone":
      return [refresh("rents a new one"), end];
    case "unknown":
      return [refresh("waits for it"), [`vast-run recover ${of}`, "looks for what bills"]];
  }
}
