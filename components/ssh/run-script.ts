import { spawn } from "node:child_process";
import { hidden } from "../lib/secrets.ts";
import { type RemoteError, remoteError } from "./remote-error.ts";
import { type SshKey, sshArgs } from "./ssh-key.ts";

/** A machine that lets us in. */
export interface Login {
  readonly instanceId: number;
  /** Answers now (`liveEndpoint`); its host key is pinned. */
  readonly endpoint: { readonly host: string; readonly port: number };
  readonly key: Pick<SshKey, "privateKeyFile" | "knownHostsFile">;
  /** How long one script may take in all, milliseconds; default 3 h. */
  readonly limitMs?: number;
}

/** As `stepMaxMinutes` says by default, and for what was recorded before there was one. */
export const STEP_LIMIT_MS = 10_800_000;
/** A script ends itself first where the machine is honest. */
const HEAD_START_MS = 15_000;

/** Of a login, by `stepMaxMinutes`; undefined = the default. */
export function limitOf(stepMaxMinutes: number | undefined): Pick<Login, "limitMs"> {
  return stepMaxMinutes === undefined ? {} : { limitMs: stepMaxMinutes * 60_000 };
}

/** Calls back when a script has taken longer than it may, however much it says meanwhile; answers with what stops that. */
export function limited({ limitMs = STEP_LIMIT_MS }: Login, over: (error: RemoteError) => void): () => void {
  const text = `the host is stalling: a step took longer than ${spanText(limitMs)}, which is its stepMaxMinutes, and was given up`;
  const timer = setTimeout(
    () => over(remoteError("stalling", text)),
    Math.min(limitMs + Math.min(limitMs, HEAD_START_MS), 2 ** 31 - 1),
  );
  return () => clearTimeout(timer);
}

function spanText(milliseconds: number): string {
  return milliseconds < 120_000 ? `${milliseconds / 1000} s` : `${Math.round(milliseconds / 60_000)} min`;
}

/** The words of an ssh call, without the host. */
export function sshTo({ instanceId, endpoint, key }: Login): string[] {
  return ["ssh", ...sshArgs({ ...key, instanceId, port: endpoint.port })];
}

/** How much a machine may print before it is taken for broken: the names of a million files. */
const MOST_OUTPUT = 256 * 1024 * 1024;
/** Of its complaints the last ones are kept. */
const MOST_COMPLAINTS = 16 * 1024;
/** How long it may be silent: it may hash a large file meanwhile. */
const LONGEST_SILENCE_MS = 1_800_000;

/**
 * Runs a bash script on a machine and answers with what it prints. Throws RemoteError `unreachable`, `stalling` or
 * `failed`.
 */
export function runScript(machine: Login, script: string, signal?: AbortSignal): Promise<Buffer> {
  const [file = "ssh", ...args] = [...sshTo(machine), `root@${machine.endpoint.host}`, "bash -s"];
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: "pipe", ...(signal ? { signal } : {}) });
    const out: Buffer[] = [];
    let complaints = "";
    let size = 0;
    let broken: RemoteError | undefined;
    const end = (why: RemoteError) => {
      broken ??= why;
      child.kill();
    };
    const givenUp = (why: string) => remoteError("failed", `a command on the machine was given up: ${why}`);
    const silence = setTimeout(() => end(givenUp("it has said nothing for half an hour")), LONGEST_SILENCE_MS);
    const unlimited = limited(machine, end);
    const heard = (chunk: Buffer) => {
      silence.refresh();
      size += chunk.length;
      if (size > MOST_OUTPUT) end(givenUp("it talks without end"));
    };
    child.stdout.on("data", (chunk: Buffer) => {
      heard(chunk);
      if (broken === undefined) out.push(chunk);
    });
    child.stderr.on("data", (chunk: Buffer) => {
      heard(chunk);
      complaints = (complaints + chunk.toString("latin1")).slice(-MOST_COMPLAINTS);
    });
    child.stdin.on("error", () => {}); // the exit code says why it did not listen
    child.once("error", (error) => reject(remoteError("failed", `ssh cannot be run: ${error.message}`)));
    child.once("close", (code) => {
      clearTimeout(silence);
      unlimited();
      if (broken !== undefined) reject(broken);
      else if (code === 0) resolve(Buffer.concat(out));
      else reject(scriptFailure(code, Buffer.from(complaints, "latin1").toString()));
    });
    child.stdin.end(script);
  });
}

/** The last lines that say something, each short enough for a sentence. */
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
