import type { Command } from "../command/command.ts";

export const attach: Command = {
  name: "attach",
  summary: "Open the tmux session in which training runs",
  details: `Leave it with ctrl-b d; training goes on. ^C in there reaches training.`,
  examples: ["vast-run attach"],
  options: {},
  run: async (values, terminal) => (await import("../machine/attach.ts")).attachTmux(values, terminal),
};
