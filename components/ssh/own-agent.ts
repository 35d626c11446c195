import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, lstatSync, mkdirSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { StateDir } from "../lib/state-dir.ts";

// Inputs of a resource pass through Pulumi's engine, whose most detailed log shows every value. So the private key is
// no input: the program runs an ssh agent that holds it, and the plugin of @pulumi/command logs in through that.

/** The longest path of a Unix socket that Linux and macOS both take. */
const LONGEST_PATH = 100;

/** Not TMPDIR, which may be long, and differs between the jobs of a cluster. */
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
 * The command that ssh-agent runs and ends with: it adds the key, then blocks until this process has ended in whatever
 * way. ssh-agent alone would notice the end of its parent ten seconds later.
 */
const HOLD = 'ssh-add -q "$1" && echo ready && cat >/dev/null; kill "$SSH_AGENT_PID"';

/** A running agent; it ends with this process, and does not keep this process running. */
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
  // Detached, so that ^C in the terminal does not end it: running steps go on to their end.
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
    // An agent that is ended right after its start leaves its socket.
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

/** In the shared folder for temporary files, somebody else may have a folder of that name. */
function makeOwnFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { uid, mode } = lstatSync(folder);
  if (!lstatSync(folder).isDirectory() || uid !== process.getuid?.()) {
    throw new Error(`${folder} is not a folder of yours; set VAST_TRAINING_HOME to a shorter path`);
  }
  if ((mode & 0o777) !== 0o700) chmodSync(folder, 0o700);
}
