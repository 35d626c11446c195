import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { printableLines } from "../../lib/text.ts";
import { phaseOf } from "../client/phase.ts";
import type { Instance } from "../client/wire.ts";
import type { Means } from "./means.ts";

/** The part of `Means` that this needs. */
export type RemainsMeans = Pick<Means, "client" | "logins" | "keep">;

/** Short, because a machine that is to be released bills meanwhile. */
const PATIENCE_MS = 15_000;
const LINES = 200;
/** Characters of each part. */
const MOST_TEXT = 64 * 1024;

/**
 * Keeps the traces of a machine that failed before it is released: what Vast shows of it, the end of its log and of its
 * host's (by Vast's API), and what nvidia-smi and df say where a login works. Takes fifteen seconds at most; answers
 * with the path, undefined = nothing could be kept. Never throws: the machine must go all the same.
 */
export async function keepRemains(means: RemainsMeans, instance: Instance, why: string): Promise<string | undefined> {
  if (means.keep === undefined) return undefined;
  const parts = [`${new Date().toISOString()} instance ${instance.id}: ${why}`, rowText(instance)];
  const late = wait(PATIENCE_MS, undefined, { ref: false });
  const looks = Object.entries(looksOf(means, instance)).map(async ([title, look]) => {
    const text = await Promise.race([look(), late.then(() => "no answer in time")]).catch(
      (error: Error) => `it cannot be had: ${error.message}`,
    );
    return `== ${title}\n${text.slice(-MOST_TEXT)}`;
  });
  parts.push(...(await Promise.all(looks)));
  try {
    return means.keep(`${instance.id}.txt`, `${printableLines(parts.join("\n\n"))}\n`);
  } catch {
    return undefined;
  }
}

type Look = () => Promise<string>;

function looksOf({ client, logins }: RemainsMeans, { id, ...instance }: Instance): Record<string, Look> {
  const looks: Record<string, Look> = {
    "the host's log": () => client.logs(id, { tail: LINES, daemon: true }),
    "the container's log": () => client.logs(id, { tail: LINES }),
  };
  if (phaseOf({ id, ...instance }).phase !== "ready") return looks;
  return { ...looks, "the machine itself": () => logins.report(id, AbortSignal.timeout(PATIENCE_MS)) };
}

function rowText(instance: Instance): string {
  return `== what Vast shows\n${JSON.stringify(instance, undefined, 2)}`;
}

/** The commands run on the machine. */
export const REPORT = `for what in nvidia-smi "df -h" "free -m" "tail -n 50 /workspace/logs/*.log"; do
  printf '$ %s\\n' "$what"; timeout 10 sh -c "$what" 2>&1 || :
done`;

/** So many files are kept. */
const MOST = 20;

/** Removes all but the newest files of a folder, to make room for one more. Their names sort by age. */
export function makeRoom(folder: string): void {
  const names = readdirSync(folder).sort();
  for (const name of names.slice(0, Math.max(names.length - MOST + 1, 0))) rmSync(join(folder, name), { force: true });
}
