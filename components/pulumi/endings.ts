import { constants } from "node:os";
import { engineAddress, engineAlive } from "./engine.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
const LOOK_EVERY_MS = 2000;

/** One process serves all resources, and is told once to end. */
const lastWords = new Map<string, () => void>();

/**
 * What is said, or noted on disk, when this process is told to end in the midst of something; once for each `name`.
 * Nothing may be waited for.
 */
export function whenInterrupted(name: string, say: () => void): void {
  lastWords.set(name, say);
}

let isPrepared = false;

/**
 * Lets this process end as a provider should, once for the whole process; one that no engine has started is left alone.
 *
 * With its engine, when nothing is under way: nobody else would end it. And at once when it is told to, as it would end
 * without us, except for its last words: Pulumi tells a provider so at the end of every command as well, and at the
 * second ^C.
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
