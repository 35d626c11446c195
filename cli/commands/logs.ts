import type { Command } from "../command/command.ts";

export const logs: Command = {
  name: "logs",
  summary: "Show the end of the training log, or follow it",
  details: `The log is /workspace/train.log on the machine. ^C ends following, with exit code 0; training is not touched.

With -f each line is shown once, whatever happens: a connection that breaks, other ports, a training that starts anew, a
machine that stops and starts again, or is replaced. When the line breaks Vast is asked what has become of the machine;
that is said on standard error with the time of day, and what to type about it. What was cut out of the middle of a long
log is left out.

When the machine is gone, stopped or out of reach, the log is read from home, as sync or destroy has copied it last; where
from and of when is said on standard error.`,
  examples: ["vast-run logs", "vast-run logs -n 500 > train.log", "vast-run logs -f"],
  options: {
    follow: { type: "boolean", short: "f", help: "go on with new lines as they are written, until ^C" },
    lines: { type: "string", short: "n", value: "N", help: "how many lines from the end; default 50" },
  },
  run: async (values, terminal) => (await import("../machine/logs.ts")).showLog(values, terminal),
};
