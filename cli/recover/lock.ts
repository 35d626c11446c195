import { readdirSync, readFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { absolute } from "../../components/lib/path.ts";
import { processOf } from "../../components/programs/process.ts";

/** The lock that Pulumi writes to a backend of files while a command works on a stack. */
export interface StackLock {
  readonly pid: number;
  readonly user: string;
  readonly host: string;
  /** Milliseconds since 1970. */
  readonly since: number;
}

export interface StackPlace {
  /** URL of the backend, as `pulumi whoami --verbose` prints it. */
  readonly backend: string;
  /** The project's folder; relative backends start there. */
  readonly cwd: string;
  readonly project: string;
  readonly stack: string;
}

/** A file in `.pulumi/locks` of the backend, as written by Pulumi 3. */
const lockShape = z.object({
  pid: z.int().positive(),
  username: z.string(),
  hostname: z.string(),
  timestamp: z.string(),
});

/** The locks of a stack; undefined = the backend is not a folder on this machine, so its locks cannot be seen. */
export function locksOf(place: StackPlace, env: NodeJS.ProcessEnv): StackLock[] | undefined {
  const folder = backendFolder(place, env);
  if (folder === undefined) return undefined;
  const locks = join(folder, ".pulumi", "locks", "organization", place.project, place.stack);
  return jsonFiles(locks).map((file) => {
    const { pid, username: user, hostname: host, timestamp } = lockShape.parse(JSON.parse(readFileSync(file, "utf8")));
    return { pid, user, host, since: Date.parse(timestamp) };
  });
}

/** The folder of file:///there, file://~ or file://./here; text after a question mark is options. undefined = elsewhere. */
export function backendFolder(
  { backend, cwd }: Pick<StackPlace, "backend" | "cwd">,
  env: NodeJS.ProcessEnv,
): string | undefined {
  const path = /^file:\/\/([^?]*)/.exec(backend)?.[1];
  return path === undefined ? undefined : absolute(path, env, cwd);
}

function jsonFiles(folder: string): string[] {
  try {
    const names = readdirSync(folder).filter((name) => name.endsWith(".json"));
    return names.map((name) => join(folder, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** A process may seem to have started up to this much late, because the kernel reports some times in whole seconds. */
const SLACK_MS = 5000;

/**
 * Does the command that holds a lock still run? It has ended only if no process has its number, or if that process
 * started later and is not Pulumi. The start time alone is no proof, because the clock may have been set since.
 * "elsewhere" = it runs on another machine.
 */
export function ownerOf(lock: StackLock, here = hostname(), look = processOf): "running" | "ended" | "elsewhere" {
  if (lock.host !== here) return "elsewhere";
  const process = look(lock.pid);
  if (process === undefined) return "ended";
  const isLater = process.startedAt > lock.since + SLACK_MS;
  return isLater && !process.name.includes("pulumi") ? "ended" : "running";
}
