import type { Command } from "../command/command.ts";

export const sync: Command = {
  name: "sync",
  summary: "Fetch the checkpoints and what bring names, every file compared by sha256, and print the folder",
  details: `The folder is the one that destroy brings them to, checkpointsTo/STACK/INSTANCE. A file takes its place there once it
is verified; the one that was there before is kept in the folder beside it that ends in .previous (keepPrevious).
A large file that is empty or half as large now does not take the place of the one that was verified.
Links on the machine that lead out of checkpointsDir are followed, and one that cannot be is named.
Training goes on meanwhile; a file that it is just writing is named and fetched by the next sync, and a folder of
which files are missing is marked by a file in it, INCOMPLETE.by-vast-run.txt.
train.log, the logs of earlier starts and what bring names come to the folder beside it that ends in .brought.

With --watch it fetches again and again, a line each time, and nothing while nothing has changed on the machine. It goes on
when the connection breaks or the machine is taken away, and ends with exit code 0 when the run is over, when training has
ended well and all of it is home, or by ^C: what was being copied then is in no file's place, and the next one goes on with it.`,
  examples: [
    "vast-run sync",
    "vast-run sync --watch --every 30",
    'ls "$(vast-run sync)"',
    "vast-run sync --to /scratch/checkpoints",
  ],
  options: {
    to: { type: "string", value: "DIR", help: "another folder than the stack's own" },
    watch: { type: "boolean", short: "w", help: "fetch again and again, until ^C" },
    every: { type: "string", value: "MINUTES", help: "with --watch, the time between two rounds; default 10" },
  },
  run: async (values, terminal) => {
    if (values.watch === true) return (await import("../machine/sync-watch.ts")).watchCheckpoints(values, terminal);
    return (await import("../machine/sync.ts")).fetchCheckpoints(values, terminal);
  },
};
