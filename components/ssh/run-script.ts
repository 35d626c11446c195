import { hidden } from "../lib/secrets.ts";
import { type Ended, runProgram } from "../programs/program.ts";
import { dropLine, lineTo } from "./line.ts";
import { type RemoteError, remoteError } from "./remote-error.ts";
import { type SshKey, sshArgs } from "./ssh-key.ts";

/** A machine, and how to log in. */
export interface Login {
  readonly instanceId: number;
  /** Answers now (`liveEndpoint`); its host key is pinned. */
  readonly endpoint: { readonly host: string; readonly port: number };
  readonly key: Pick<SshKey, "privateKeyFile" | "knownHostsFile">;
  /** How long one script may take in all, milliseconds; default 3 h. */
  readonly limitMs?: number;
}

/** The default of `stepMaxMinutes`, also for older states, which lack it. */
export const STEP_LIMIT_MS = 10_800_000;
/** How much earlier a script ends itself, if the machine is honest. */
const HEAD_START_MS = 15_000;
/** How long a command may be silent: it may be hashing a large file, installing or checking out. */
const LONGEST_SILENCE_MS = 1_800_000;

/** The limit of a login by `stepMaxMinutes`; undefined = the default. */
export function stepLimitOf(stepMaxMinutes: number | undefined): Pick<Login, "limitMs"> {
  return stepMaxMinutes === undefined ? {} : { limitMs: stepMaxMinutes * 60_000 };
}

/** Limits of a local program that works on a machine. An honest machine ends the script there first. */
export function boundsOf({ limitMs = STEP_LIMIT_MS }: Login) {
  return { timeoutMs: limitMs + Math.min(limitMs, HEAD_START_MS), silenceMs: LONGEST_SILENCE_MS };
}

/** The error of a program that was ended early; undefined = it ended by itself. */
export function cutShort({ cut, unstarted }: Ended, { limitMs = STEP_LIMIT_MS }: Login): RemoteError | undefined {
  if (unstarted !== undefined) return remoteError("failed", `ssh cannot be run: ${unstarted.message}`);
  if (cut === undefined) return undefined;
  if (cut === "timeout") {
    const text = `a step took longer than ${spanText(limitMs)}, which is its stepMaxMinutes, and was given up`;
    return remoteError("stalling", `the host is stalling: ${text}`);
  }
  const why = { silence: "it has said nothing for half an hour", output: "it prints without end" };
  const words = cut === "silence" || cut === "output" ? why[cut] : "it was called off";
  return remoteError("failed", `a command on the machine was given up: ${words}`);
}

function spanText(milliseconds: number): string {
  return milliseconds < 120_000 ? `${milliseconds / 1000} s` : `${Math.round(milliseconds / 60_000)} min`;
}

/** The words of an ssh call, without the host; over an open line, where there is one and it is not to be `alone`. */
export function sshTo(login: Login, { alone = false } = {}): string[] {
  const { instanceId, endpoint, key } = login;
  const line = alone ? undefined : lineTo(login);
  return ["ssh", ...sshArgs({ ...key, instanceId, port: endpoint.port, line })];
}

/** Output after which a machine is taken for broken: more than the names of a million files. */
const MOST_OUTPUT = 256 * 1024 * 1024;

/**
 * Runs a bash script on a machine and answers with what it prints. Throws RemoteError `unreachable`, `stalling` or
 * `failed`.
 *
 * @param onOutput is called with each chunk of that
 */
export async function runScript(
  machine: Login,
  script: string,
  signal?: AbortSignal,
  onOutput?: (chunk: Buffer) => void,
): Promise<Buffer> {
  const words = [...sshTo(machine), `root@${machine.endpoint.host}`, "bash -s"];
  const options = {
    ...boundsOf(machine),
    input: script,
    mostOutput: MOST_OUTPUT,
    signal,
    ...(onOutput && { onOutput }),
  };
  const ended = await runProgram(words, options);
  const broken = cutShort(ended, machine);
  if (broken !== undefined) throw broken;
  if (ended.code === 255) dropLine(machine);
  if (ended.code !== 0) throw scriptFailure(ended.code, ended.stderr);
  return ended.stdout;
}

/** The last lines that are not empty, each short enough for a sentence. */
export function lastWords(lines: readonly string[]): string {
  const said = hidden(lines.join("\n"))
    .split("\n")
    .filter((line) => line.trim() !== "")
    .slice(-3);
  return said.map((line) => line.slice(-200)).join(" ");
}

function scriptFailure(code: number | null, stderr: string): Error {
  const words = lastWords(stderr.split("\n"));
  if (code === 255 || code === null) return remoteError("unreachable", `the connection broke: ${words || "no answer"}`);
  return remoteError("failed", `a command on the machine failed (exit code ${code}): ${words}`);
}
