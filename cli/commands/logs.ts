import type { Command } from "../command/command.ts";

export const logs: Command = {
  name: "logs",
  summary: "Show the end of the training log, or follow it",
  details: `The log is /workspace/train.log on the machine. ^C ends following, with exit code 0; training is not touched.`,
  examples: ["vast-run logs", "vast-run logs -n 500 > train.log", "vast-run logs -f"],
  options: {
    follow: { type: "boolean", short: "f", help: "go on with new lines as they are written, until ^C" },
    lines: { type: "string", short: "n", value: "N", help: "how many lines from the end; default 50" },
  },
  run: async (values, terminal) => (await import("../machine/logs.ts")).showLog(values, terminal),
};
