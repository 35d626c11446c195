import type { Command } from "../command/command.ts";

export const cost: Command = {
  name: "cost",
  summary: "Show what the run has cost so far, by machine, and what more hours will cost",
  details: `Over all machines of the run, by the log of events of this state directory: BOOT and STOP are the disk alone,
RUN is GPUs and disk, NET what was fetched. VAST is what Vast itself has charged; that lags by minutes to hours,
and is asked when the key may read it. Without a log Vast's charges are shown, and without those what is known at least.`,
  examples: ["vast-run cost -s dev", "vast-run cost --hours 12", "vast-run cost --json | jq .total"],
  options: {
    hours: { type: "string", value: "N", help: "how many more hours to estimate; default 24" },
    json: { type: "boolean", help: "print one JSON object" },
  },
  run: async (values, terminal) => (await import("../status/cost.ts")).showCost(values, terminal),
};
