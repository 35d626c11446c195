import { once } from "node:events";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { Crew, type Pair, type Played } from "./crew.ts";

/** Plays pairs on a thread of its own. */
export async function playOnThread(pairs: readonly Pair[]): Promise<Played> {
  const [played] = await once(new Worker(new URL(import.meta.url), { workerData: pairs }), "message");
  return played;
}

if (!isMainThread) {
  const crew = new Crew();
  try {
    await crew.pairs(workerData as readonly Pair[]);
    const { failures, cases, dearest } = crew;
    parentPort?.postMessage({ failures, cases, dearest } satisfies Played);
  } finally {
    crew.close();
  }
}
