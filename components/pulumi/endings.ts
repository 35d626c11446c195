import { constants } from "node:os";
import { engineAddress, engineAlive } from "./engine.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
const LOOK_EVERY_MS = 2000;

/** One process serves all resources, and is told once to end. */
const lastWords = new Map<string, () => void>();

/**
 * Registers what is printed, or noted on disk, when this process is interrupted; one for each `name`. It must not wait
 * for anything.
 */
export function whenInterrupted(name: string, say: () => void): void {
  lastWords.set(name, say);
}

let isPrepared = false;

/**
 * Makes this process end as a provider should; does nothing when no engine started it.
 *
 * It ends when the engine is gone and nothing is under way, because nobody else would end it. And it ends at once on a
 * signal, as without us, but with its last words: Pulumi sends a provider that signal at the end of every command and
 * at the second ^C.
 */
export function endAsProvider(isBusy: () => boolean, address: string | undefined = engineAddress()): void {
  if (address === undefined || isPrepared) return;
  isPrepared = true;
  const look = async () => {
    if (!isBusy() && !(await engineAlive(address)) && !isBusy()) process.exit(0);
  };
  setInterval(look, LOOK_EVERY_MS).unref();
  for (const name of SIGNALS) {
    process.once(name, () => {
      if (isBusy()) for (const say of lastWords.values()) say();
      process.exit(128 + constants.signals[name]);
    });
  }
}
