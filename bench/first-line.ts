import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Ground } from "./ground.ts";

const PAUSE_MS = 25;
const LATE_MS = 2000;

export interface Awaited<T> {
  readonly value: T;
  /** Seconds until the first line of training was in a machine's log; undefined = there was none. */
  readonly firstLine: number | undefined;
}

/**
 * Runs an action and sees when training's first step is in a new machine's log, in its files on this disk: looking over
 * ssh would slow down what is measured.
 */
export async function awaitFirstLine<T>(ground: Ground, action: () => Promise<T>): Promise<Awaited<T>> {
  const before = new Set(logs(ground));
  const began = Date.now();
  let firstLine: number | undefined;
  let isOver = false;
  const watch = (async () => {
    while (!isOver && firstLine === undefined) {
      if (logs(ground).some((log) => !before.has(log) && hasTrained(log))) firstLine = (Date.now() - began) / 1000;
      await sleep(PAUSE_MS);
    }
  })();
  try {
    const value = await action();
    // Training may be some steps behind the command that started it.
    const deadline = Date.now() + LATE_MS;
    while (firstLine === undefined && Date.now() < deadline) await sleep(PAUSE_MS);
    return { value, firstLine };
  } finally {
    isOver = true;
    await watch;
  }
}

function logs({ workspace }: Ground): string[] {
  return globSync(join(workspace.home, "simulator", "hosts", "*", "root", "upper", "workspace", "train.log"));
}

function hasTrained(log: string): boolean {
  try {
    return readFileSync(log, "utf8").includes("loss");
  } catch {
    return false; // the machine is gone
  }
}
