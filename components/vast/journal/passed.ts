import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { writeWhole } from "../../lib/draft.ts";
import { openStateDir } from "../../lib/state-dir.ts";

/**
 * Notes that the checkpoints of an instance are home, or given up: any later command may release it, until training
 * begins on it again.
 */
export function notePassed(instanceId: number): void {
  writeWhole(fileOf(instanceId), `${new Date().toISOString()}\n`);
}

export function hasPassed(instanceId: number): boolean {
  return existsSync(fileOf(instanceId));
}

/** The instance is gone, or training is about to begin on it. */
export function forgetPassed(instanceId: number): void {
  rmSync(fileOf(instanceId), { force: true });
}

function fileOf(instanceId: number): string {
  return join(openStateDir().passedDir, String(instanceId));
}
