import { readdirSync, readFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { absolute } from "../../components/lib/path.ts";
import { processOf } from "../../components/programs/process.ts";

/** What Pulumi notes in a backend of files while a command works on a stack. */
export interface StackLock {
  readonly pid: number;
  readonly user: string;
  readonly host: string;
  /** Milliseconds since 1970. */
  readonly since: number;
}

export interface StackPlace {
  /** Of the backend, as `pulumi whoami --verbose` says. */
  readonly backend: string;
  /** Folder of the project: relative backends begin there. */
  readonly cwd: string;
  readonly project: string;
  readonly stack: string;
}

/** Of a file that Pulumi 3 writes to `.pulumi/locks` of a backend. */
const lockShape = z.object({
  pid: z.int().positive(),
  username: z.string(),
  hostname: z.string(),
  timestamp: z.string(),
});

/** The locks of a stack; undefined = the backend is not a folder of this machine, and its locks cannot be seen. */
export function locksOf(place: StackPlace, env: NodeJS.ProcessEnv): StackLock[] | undefined {
  const folder = backendFolder(place, env);
  if (folder === undefined) return undefined;
  const locks = join(folder, ".pulumi", "locks", "organization", place.project, place.stack);
  return jsonFiles(locks).map((file) => {
    const { pid, username: user, hostname: host, timestamp } = lockShape.parse(JSON.parse(readFileSync(file, "utf8")));
    return { pid, user, host, since: Date.parse(timestamp) };
  });
}

/** file:///there, file://~ or file://./here; what follows a question mark are options. */
function backendFolder({ backend, cwd }: StackPlace, env: NodeJS.ProcessEnv): string | undefined {
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

/** By how much a process may seem to have started late: the kernel counts in whole seconds somewhere. */
const SLACK_MS = 5000;

/**
 * Does the command that holds a lock still run? Only a process that is not there has ended, or one with its number that
 * started later and is no Pulumi: the clock may have been set meanwhile. "elsewhere" = on another machine.
 */
export function ownerOf(lock: StackLock, here = hostname(), look = processOf): "running" | "ended" | "elsewhere" {
  if (lock.host !== here) return "elsewhere";
  const process = look(lock.pid);
  if (process === undefined) return "ended";
  const isLater = process.startedAt > lock.since + SLACK_MS;
  return isLater && !process.name.includes("pulumi") ? "ended" : "running";
}
