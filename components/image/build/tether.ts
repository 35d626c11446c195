import { spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";

// Runs the command in its arguments for as long as standard input stays open: a pipe closes with the process that holds
// its other end, however that ended, so a build never outlives who wanted it.

const END_MS = 5_000;

const [command = "", ...args] = process.argv.slice(2);
const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
for (const [from, to] of [
  [child.stdout, process.stdout],
  [child.stderr, process.stderr],
] as const) {
  // Nobody may read it any more, and the command is to end by ^C, not of a broken pipe.
  to.on("error", () => {});
  from.on("data", (chunk: Buffer) => to.write(chunk));
}
const ended = new Promise<number>((done) => {
  child.once("error", ({ message }) => {
    process.stderr.write(`${command}: ${message}\n`);
    done(127);
  });
  child.once("close", (code) => done(code ?? 1));
});

/** As ^C does it, twice: the first calls off the build, the second does not wait for it. What it started goes with it. */
async function endGently(): Promise<void> {
  for (const name of ["SIGINT", "SIGINT", "SIGKILL"] as const) {
    child.kill(name);
    await Promise.race([ended, sleep(END_MS)]);
  }
}

process.stdin.once("error", () => void endGently());
process.stdin.once("end", () => void endGently());
process.stdin.resume();
process.exit(await ended);
