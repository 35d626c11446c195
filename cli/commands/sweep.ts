import type { Command } from "../command/command.ts";

export const sweep: Command = {
  name: "sweep",
  summary: "List your rented machines that no stack holds, and end them if you say so",
  details: `Looks at the account of every API that a stack or an interrupted rental names, and at Vast itself where your usual key
is found; reads the state of all stacks of the project in the backend you are logged in to. Yours is what carries the
owner id of your state directory in its label, or what your journal names by its id. Nothing is done unless every state
and every note of a rental can be read. An account that cannot be seen is named at the end, and the others are shown and
may be swept all the same.

--destroy asks for each machine, and takes ids to choose. What a stack holds, or a living process is renting, is never
ended: that is for pulumi destroy. NOTHING IS FETCHED from a machine that is swept; copy what you need first. Each is
looked into, and the question says whether training has run on it. With --yes only those are ended on which none has:
one that nobody can look into is stopped and kept. VAST_DISCARD_CHECKPOINTS=ID before the command gives up what is on
one.
Other owners' machines need --all-owners, their id, and that you type it again; never --yes.

Exit codes: 0 nothing bills that no stack holds, 3 something does, 1 that is not known, or ending failed.`,
  examples: [
    "vast-run sweep",
    "vast-run sweep --destroy",
    "vast-run sweep --destroy --yes 1234567",
    "vast-run sweep --json | jq '.machines[] | select(.heldBy.by == \"nobody\") | .id'",
  ],
  words: { value: "ID", help: "of the machines to end" },
  options: {
    destroy: { type: "boolean", help: "end the machines with these ids, or all of yours that nobody holds" },
    yes: { type: "boolean", short: "y", help: "with --destroy: do not ask" },
    "all-owners": { type: "boolean", help: "show the machines that others rented with this tool, too" },
    "other-state": { type: "string", multiple: true, value: "FILE", help: "also held: what this `stack export` lists" },
    json: { type: "boolean", help: "print one JSON object" },
    stack: {
      type: "string",
      short: "s",
      value: "STACK",
      help: "only what belongs to this stack; default: all of them",
    },
  },
  run: async (values, terminal, words) => (await import("../sweep/sweep.ts")).sweepMachines(values, terminal, words),
};
