import type { Command } from "../command/command.ts";

export const recover: Command = {
  name: "recover",
  summary: "Put a stack in order after a pulumi command that was killed, and say what bills",
  details: `After a kill Pulumi leaves a lock, and a warning of an interrupted creation that never goes away by itself; it may
be unable to read a state kept in files ("failed to load checkpoint: EOF"); and a machine that was just being rented may
be in no state. This mends such files, frees the lock once its owner has ended (never before: where that
cannot be seen, on another machine or in a backend of another kind, it asks, and --yes answers), looks for what the
dead process rented, clears the warning (pulumi refresh --clear-pending-creates), and says what is left.
Nothing is rented or released.

Exit codes: 0 nothing bills that the state does not have, 3 something does, 1 that is not known, or the stack is in use.`,
  examples: ["vast-run recover -s dev", "vast-run recover -s dev && pulumi up -s dev"],
  options: {
    yes: { type: "boolean", short: "y", help: "the lock's owner has ended, where that cannot be seen from here" },
  },
  run: async (values, terminal) => (await import("../recover/recover.ts")).recoverStack(values, terminal),
};
