import { createHash } from "node:crypto";
import { chmodSync, lstatSync, mkdirSync, rmdirSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import type { StateDir } from "./state-dir.ts";

// The plugin of @pulumi/command dials $SSH_AUTH_SOCK even when it has a private key, and a dead socket is then an error.
// It can only be pointed elsewhere: here, where an agent without any key answers.

/** The longest path of a Unix socket that Linux and macOS both take. */
const LONGEST_PATH = 100;

/** Not TMPDIR: that may be long itself, and another one in each job of a cluster. */
const SHORT_FOLDER = "/tmp";

/** Where the agent of a stack listens; always the same, so that it never changes an input. No I/O. */
export function emptyAgentPath(dir: Pick<StateDir, "sshDir">, project: string, stack: string): string {
  const hash = createHash("sha256").update(`${project}/${stack}`).digest("hex").slice(0, 8);
  const path = join(dir.sshDir, `agent-${hash}.sock`);
  if (Buffer.byteLength(path) <= LONGEST_PATH) return path;
  const home = createHash("sha256").update(dir.sshDir).digest("hex").slice(0, 8);
  return join(SHORT_FOLDER, `vast-training-${process.getuid?.() ?? 0}`, `${home}-${hash}.sock`);
}

/** Answers at the path for as long as this process lives; does not keep it alive. */
export async function serveEmptyAgent(path: string): Promise<Server> {
  makeOwnFolder(join(path, ".."));
  rmSync(path, { force: true });
  const server = createServer((socket) => answer(socket.unref()));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  process.once("exit", () => clearAway(path));
  return server.unref();
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

// From the protocol of ssh agents (draft-miller-ssh-agent): a message is its length in four bytes, a type, a body.
const REQUEST_IDENTITIES = 11;
const NO_IDENTITIES = Buffer.from([0, 0, 0, 5, 12, 0, 0, 0, 0]);
const FAILURE = Buffer.from([0, 0, 0, 1, 5]);
const LONGEST_MESSAGE = 256 * 1024;

function answer(socket: Socket): void {
  let seen = Buffer.alloc(0);
  socket.on("error", () => socket.destroy());
  socket.on("data", (chunk) => {
    seen = Buffer.concat([seen, chunk]);
    while (seen.length >= 5) {
      const length = seen.readUInt32BE(0);
      if (length === 0 || length > LONGEST_MESSAGE) return socket.destroy();
      if (seen.length < 4 + length) return;
      socket.write(seen[4] === REQUEST_IDENTITIES ? NO_IDENTITIES : FAILURE);
      seen = seen.subarray(4 + length);
    }
  });
}
