import { printableLines } from "../../components/lib/text.ts";
import type { Connection } from "./connection.ts";
import { openSshFiles, requireLivingAgent, type SshFiles } from "./connection.ts";
import { type LineSink, runSession, type Script, type SessionResult } from "./session.ts";

export interface RemoteContext {
  /** Short-lived text on the resource's row. */
  status(text: string): void;
  warn(text: string): void;
  onLine: LineSink;
  signal: AbortSignal;
  /** Milliseconds; rejects when the signal fires. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

export interface RemoteScript extends Script {
  /** Variables that are sent as well, but may be refused. */
  optional: Record<string, string>;
}

/** Runs a command on the machine, dialling until it can be reached. Rejects when dialling or the command fails. */
export async function runRemote(
  connection: Connection,
  script: RemoteScript,
  context: RemoteContext,
): Promise<SessionResult> {
  await requireLivingAgent(connection);
  const files = openSshFiles(connection);
  try {
    const environment = await acceptedEnvironment(files, connection, script, context);
    const result = await dial(files, connection, { ...script, environment }, context, context.onLine);
    if (result.code !== 0) throw new Error(failure(script.command, result));
    return result;
  } finally {
    files.remove();
  }
}

function failure(command: string, { code, combined }: SessionResult): string {
  const lost = code === 255 || code === null ? " (or the connection was lost)" : "";
  return `Process exited with status ${code}${lost}: running ${JSON.stringify(command)}:\n${printableLines(combined)}`;
}

async function dial(
  files: SshFiles,
  { host, dialErrorLimit }: Connection,
  script: Script,
  context: RemoteContext,
  onLine: LineSink,
): Promise<SessionResult> {
  for (let failed = 0, pause = 100; ; pause = Math.min(pause * 1.5, 5000)) {
    const result = await runSession(files, host, script, onLine, context.signal);
    if (result.connected) return result;
    if (dialErrorLimit >= 0 && failed >= dialErrorLimit) {
      throw new Error(`after ${failed} failed attempts: ${reason(result.stderr)}`);
    }
    failed += 1;
    context.status(`Dial ${failed}/${dialErrorLimit < 0 ? "inf" : dialErrorLimit} failed: retrying`);
    await context.sleep(pause, context.signal);
  }
}

function reason(stderr: string): string {
  if (/Host key verification failed/.test(stderr)) {
    return "ssh: host key mismatch: the server's key is not the one given as hostKey";
  }
  return stderr.trim().split("\n").at(-1) || "ssh ended without a word";
}

/**
 * ssh does not say which variables a server refused, so the machine is asked. If it refused the resource's own, that is
 * an error; optional ones, a warning; as with the official plugin.
 */
async function acceptedEnvironment(
  files: SshFiles,
  connection: Connection,
  { environment = {}, optional }: RemoteScript,
  context: RemoteContext,
): Promise<Record<string, string>> {
  const wanted = { ...optional, ...environment };
  const names = Object.keys(wanted);
  if (names.length === 0) return {};
  const bad = names.find((name) => !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name));
  if (bad !== undefined) throw new Error(`could not set environment variable "${bad}": not a name for a variable`);
  const ask = names.map((name) => `[ -n "\${${name}+set}" ] || echo ${name}`).join("; ");
  const quiet = () => {};
  const answer = await dial(files, connection, { command: `${ask}; :`, environment: wanted }, context, quiet);
  const refused = answer.stdout.split("\n").filter((name) => names.includes(name));
  for (const name of refused) {
    if (name in environment) throw new Error(`could not set environment variable "${name}": ${notAccepted}`);
    context.warn(`Unable to set '${name}': ${notAccepted}`);
  }
  return Object.fromEntries(Object.entries(wanted).filter(([name]) => !refused.includes(name)));
}

const notAccepted =
  "the ssh server must be configured to accept it (AcceptEnv); or prefix the command with VAR=value, where a shell runs it";
