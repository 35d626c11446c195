import { subscribe, unsubscribe } from "node:diagnostics_channel";
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

/** Where Node tells of each call that a server of this process gets (Node's documentation, diagnostics_channel, http2). */
const CALLS = "http2.server.stream.created";

/**
 * Calls `hear` once when Pulumi cancels its command, which it does at the first ^C, until the returned function is
 * called. Pulumi's server for dynamic resources answers that call by itself and tells nobody, so the call is looked at.
 */
export function whenCancelled(hear: () => void): () => void {
  const look = (call: unknown) => {
    const { headers } = call as { readonly headers?: Readonly<Record<string, string>> };
    if (headers?.[":path"] !== "/pulumirpc.ResourceProvider/Cancel") return;
    stop();
    hear();
  };
  const stop = () => void unsubscribe(CALLS, look);
  subscribe(CALLS, look);
  return stop;
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
  // Whoever reads these is gone with the engine, and a line that nobody takes must not become an error of its own.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
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
