import type { Command } from "./command.ts";
export const sync: Command = { name: "sync", summary: "Fetch the checkpoints, verified by sha256", details: "Example:\n  vast-run sync", options: { to: {type:"string", value: "DIR", help: "where to"} }, run: async () => 1 };
