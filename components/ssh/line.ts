import { dirname, join } from "node:path";
import type { Running } from "../programs/program.ts";
import type { Endpoint } from "./endpoint.ts";
import type { SshKey } from "./ssh-key.ts";

/** Where a line leads. */
export interface LineEnd {
  readonly instanceId: number;
  readonly endpoint: Pick<Endpoint, "host" | "port">;
  readonly key: Pick<SshKey, "privateKeyFile" | "knownHostsFile">;
}

interface Line {
  readonly instanceId: number;
  readonly socket: string;
  readonly ssh: Running;
}

/** ssh binds a longer name first and then renames it; a socket's path has room for 107 bytes. */
const LONGEST_PATH = 107 - 17;

/** Connections that are open, by where they lead. Other ssh calls of this process go over them, without a login each. */
const lines = new Map<string, Line>();
let isPossible = true;
let made = 0;
let endsAll = false;

/** Path at which ssh may share a new connection, beside our key; undefined = sockets do not work there. */
export function newSocket({ key }: LineEnd): string | undefined {
  const path = join(dirname(key.knownHostsFile), `line-${process.pid}-${++made}`);
  return isPossible && Buffer.byteLength(path) <= LONGEST_PATH ? path : undefined;
}

/** After ssh has failed to share a connection: this process tries no more. True = that was why it failed. */
export function isSharingRefused(stderr: string): boolean {
  const isRefused = /control ?(path|socket)|unix_listener|muxserver/i.test(stderr);
  if (isRefused) isPossible = false;
  return isRefused;
}

/**
 * Keeps a connection for as long as this process lives; it ends by itself when the machine or the process does.
 *
 * @param ssh was started as the master of that socket, and reads its standard input to the end
 */
export function keepLine(end: LineEnd, socket: string, ssh: Running): void {
  ssh.keep();
  const name = nameOf(end);
  dropLine(end);
  const line = { instanceId: end.instanceId, socket, ssh };
  lines.set(name, line);
  void ssh.ended.then(() => {
    if (lines.get(name) === line) lines.delete(name);
  });
  if (!endsAll) process.once("exit", endAll);
  endsAll = true;
}

/** The socket of the line that leads there; undefined = none is open. */
export function lineTo(end: LineEnd): string | undefined {
  return lines.get(nameOf(end))?.socket;
}

/** Uses this line no more: it seems dead. Calls that are under way over it go on. */
export function dropLine(end: LineEnd): void {
  lines.get(nameOf(end))?.ssh.close();
  lines.delete(nameOf(end));
}

/** Uses no line to this machine any more: another host key is its own now. */
export function dropLinesOf(instanceId: number): void {
  for (const [name, line] of lines) {
    if (line.instanceId !== instanceId) continue;
    line.ssh.close();
    lines.delete(name);
  }
}

function nameOf({ instanceId, endpoint: { host, port }, key }: LineEnd): string {
  return [instanceId, host, port, key.privateKeyFile, key.knownHostsFile].join(" ");
}

function endAll(): void {
  for (const { ssh } of lines.values()) ssh.end();
}
