import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { PassThrough, type Readable } from "node:stream";
import type { SshFiles } from "./connection.ts";

export interface Script {
  command: string;
  stdin?: string | undefined;
  /** Sent by ssh's SendEnv: the server must accept the names. */
  environment?: Record<string, string>;
}

export interface SessionResult {
  /** Whether the login worked; if not, the command has not run. */
  connected: boolean;
  code: number | null;
  stdout: string;
  stderr: string;
  /** Both streams in the order of arrival. */
  combined: string;
}

export type LineSink = (line: string, stream: "stdout" | "stderr") => void;

const loggedIn = "logged-in";

/** Runs ssh once: connect, run, end. Rejects when ssh cannot be started or the signal fires. */
export async function runSession(
  files: SshFiles,
  host: string,
  script: Script,
  onLine: LineSink,
  signal: AbortSignal,
): Promise<SessionResult> {
  signal.throwIfAborted();
  const mark = join(files.folder, loggedIn);
  rmSync(mark, { force: true });
  const names = Object.keys(script.environment ?? {}).flatMap((name) => ["-o", `SendEnv=${name}`]);
  // ssh runs LocalCommand right after a login, so we can tell a failed connection from a failed command.
  const tell = ["-o", "PermitLocalCommand=yes", "-o", `LocalCommand=: > ${loggedIn}`];
  const child = spawn("ssh", [...files.options, ...names, ...tell, "--", host, script.command], {
    cwd: files.folder,
    env: { ...withoutAgent(), ...script.environment },
    signal,
    stdio: "pipe",
  });
  const end = () => child.kill();
  process.once("exit", end);
  child.stdin.on("error", () => {}); // a command may end without reading what it was given
  child.stdin.end(script.stdin ?? "");
  const result = await collect(child, onLine).finally(() => process.removeListener("exit", end));
  const connected = existsSync(mark) || result.code !== 255 || result.stdout !== "";
  return { connected, ...result };
}

function withoutAgent(): NodeJS.ProcessEnv {
  const { SSH_AUTH_SOCK: _agent, SSH_ASKPASS: _ask, ...rest } = process.env;
  return rest;
}

async function collect(child: ChildProcess, onLine: LineSink): Promise<Omit<SessionResult, "connected">> {
  const parts: { stream: "stdout" | "stderr"; bytes: Buffer }[] = [];
  for (const stream of ["stdout", "stderr"] as const) {
    const from = child[stream] as Readable;
    from.on("data", (bytes: Buffer) => parts.push({ stream, bytes }));
    createInterface({ input: from.pipe(new PassThrough()) }).on("line", (line) => onLine(line, stream));
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  const text = (wanted: typeof parts) => Buffer.concat(wanted.map((part) => part.bytes)).toString("utf8");
  return {
    code,
    stdout: text(parts.filter((part) => part.stream === "stdout")),
    stderr: text(parts.filter((part) => part.stream === "stderr")),
    combined: text(parts),
  };
}
