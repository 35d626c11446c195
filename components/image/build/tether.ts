import { spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";

// Runs the command in its arguments for as long as standard input stays open. That pipe closes when the process at its
// other end is gone, however it ended, so a build never outlives its caller.

const END_MS = 5_000;

const [command = "", ...args] = process.argv.slice(2);
const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
for (const [from, to] of [
  [child.stdout, process.stdout],
  [child.stderr, process.stderr],
] as const) {
  // The reader may be gone; the command must end by ^C, not by a broken pipe.
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

/**
 * Ends the command like two ^C: the first cancels the build, the second does not wait for it. Its child processes end
 * with it.
 */
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
