import type { Command } from "../command/command.ts";

export const status: Command = {
  name: "status",
  summary: "Show on one screen how a run is: phase, GPU, cost, training, checkpoints, and what to type next",
  details: `What the log of events knows is shown at once. Then Vast, the machine and the folder at home are asked side by side,
and the same lines are painted over as the answers come. A figure that could not be asked now carries its age, or says why
it is unknown. Without a terminal everything is printed once, at the end. ^C ends --watch, with exit code 0.

What Vast says of the machine is noted in the log of events, where that has not heard of it: that it was taken away, runs
again, or is gone.

--json prints the object that cli/status/status.ts describes (with --all an array of them): numbers or null, times in
milliseconds since 1970, prices in $/h; \`asked\` says of each source when it was last known, and why it is not known now.`,
  examples: [
    "vast-run status",
    "vast-run status --watch -s dev",
    "vast-run status --all",
    "vast-run status --json | jq .phase",
  ],
  options: {
    watch: { type: "boolean", short: "w", help: "go on asking every ten seconds, until ^C" },
    all: {
      type: "boolean",
      short: "a",
      help: "a line for each stack that has rented from here; no machine is entered",
    },
    json: { type: "boolean", help: "print one JSON object, or an array with --all" },
  },
  run: async (values, terminal) => (await import("../status/show.ts")).showStatus(values, terminal),
};
