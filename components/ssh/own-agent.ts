import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, lstatSync, mkdirSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { StateDir } from "../lib/state-dir.ts";

// An input of a resource passes through Pulumi's engine, whose log at its highest level shows every value. So the private
// key is none: an ssh agent of the program's own holds it, and the plugin of @pulumi/command logs in through that.

/** The longest path of a Unix socket that Linux and macOS both take. */
const LONGEST_PATH = 100;

/** Not TMPDIR: that may be long itself, and another one in each job of a cluster. */
const SHORT_FOLDER = "/tmp";

/** Where the agent of a stack listens; always the same, so that it never changes an input. No I/O. */
export function agentPath(dir: Pick<StateDir, "sshDir">, project: string, stack: string): string {
  const hash = createHash("sha256").update(`${project}/${stack}`).digest("hex").slice(0, 8);
  const path = join(dir.sshDir, `agent-${hash}.sock`);
  if (Buffer.byteLength(path) <= LONGEST_PATH) return path;
  const home = createHash("sha256").update(dir.sshDir).digest("hex").slice(0, 8);
  return join(SHORT_FOLDER, `vast-training-${process.getuid?.() ?? 0}`, `${home}-${hash}.sock`);
}

/**
 * What ssh-agent runs, and lives as long as: it adds the key, then reads what never comes until this process has ended,
 * however that happened. Its parent's end alone would be noticed ten seconds later.
 */
const HOLD = 'ssh-add -q "$1" && echo ready && cat >/dev/null; kill "$SSH_AGENT_PID"';

/** A running agent; it ends by itself with this process, and keeps it from nothing. */
export interface OwnAgent {
  close(): void;
}

/**
 * Starts an agent that holds this key alone. Throws one sentence when it cannot.
 *
 * @param keyFile an unencrypted private key
 */
export async function serveKey(path: string, keyFile: string): Promise<OwnAgent> {
  makeOwnFolder(join(path, ".."));
  rmSync(path, { force: true });
  // Detached: ^C in the terminal is not for it, because steps that run then go on to their end.
  const child = spawn("ssh-agent", ["-a", path, "sh", "-c", HOLD, "sh", keyFile], {
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
  });
  const said = { out: "", err: "" };
  child.stderr.on("data", (chunk) => {
    said.err += chunk;
  });
  child.stdin.on("error", () => {}); // it has ended, which its other streams say too
  await new Promise<void>((resolve, reject) => {
    child.once("error", (error) => reject(agentError(error.message)));
    child.once("close", () => reject(agentError(said.err.trim())));
    child.stdout.on("data", (chunk) => {
      said.out += chunk;
      if (said.out.includes("ready")) resolve();
    });
  }).catch((error) => {
    // An agent that is ended in its first moment leaves its socket.
    clearAway(path);
    throw error;
  });
  for (const stream of [child.stdout, child.stderr]) stream.destroy();
  child.unref();
  // A pipe to a child is a socket in Node, though its type does not say so.
  (child.stdin as unknown as { unref(): void }).unref();
  process.once("exit", () => clearAway(path));
  return { close: () => child.stdin.end() };
}

function agentError(why: string): Error {
  return new Error(`ssh-agent, which holds the key of our connections, cannot be used: ${why || "it ended"}`);
}

function clearAway(path: string): void {
  rmSync(path, { force: true });
  if (!path.startsWith(`${SHORT_FOLDER}/vast-training-`)) return;
  try {
    rmdirSync(join(path, ".."));
  } catch {
    // another stack's agent is in there
  }
}

/** The shared folder for temporary files may hold somebody else's folder of that name. */
function makeOwnFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { uid, mode } = lstatSync(folder);
  if (!lstatSync(folder).isDirectory() || uid !== process.getuid?.()) {
    throw new Error(`${folder} is not a folder of yours; set VAST_TRAINING_HOME to a shorter path`);
  }
  if ((mode & 0o777) !== 0o700) chmodSync(folder, 0o700);
}
