import { spawn } from "node:child_process";
import { type SshKey, sshArgs } from "../ssh-key.ts";
import { pullError } from "./pull-error.ts";

/** A machine that lets us in. */
export interface Machine {
  readonly instanceId: number;
  /** Answers now (`liveEndpoint`); its host key is pinned. */
  readonly endpoint: { readonly host: string; readonly port: number };
  readonly key: Pick<SshKey, "privateKeyFile" | "knownHostsFile">;
}

/** The words of an ssh call, without the host. */
export function sshTo({ instanceId, endpoint, key }: Machine): string[] {
  return ["ssh", ...sshArgs({ ...key, instanceId, port: endpoint.port })];
}

/** How much a machine may print before it is taken for broken. */
const MOST_OUTPUT = 256 * 1024 * 1024;

/** Runs a bash script on a machine and answers with what it prints. Throws PullError `unreachable` or `failed`. */
export function runScript(machine: Machine, script: string, signal?: AbortSignal): Promise<Buffer> {
  const [file = "ssh", ...args] = [...sshTo(machine), `root@${machine.endpoint.host}`, "bash -s"];
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: "pipe", ...(signal ? { signal } : {}) });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    let size = 0;
    child.stdout.on("data", (chunk: Buffer) => {
      size += chunk.length;
      out.push(chunk);
      if (size > MOST_OUTPUT) child.kill();
    });
    child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
    child.stdin.on("error", () => {}); // the exit code says why it did not listen
    child.once("error", (error) => reject(pullError("failed", `ssh cannot be run: ${error.message}`)));
    child.once("close", (code) => {
      if (code === 0) resolve(Buffer.concat(out));
      else reject(scriptFailure(code, Buffer.concat(err).toString()));
    });
    child.stdin.end(script);
  });
}

function scriptFailure(code: number | null, stderr: string): Error {
  const words = stderr.trim().split("\n").slice(-3).join(" ");
  if (code === 255 || code === null) return pullError("unreachable", `the connection broke: ${words || "no answer"}`);
  return pullError("failed", `a command on the machine failed (exit code ${code}): ${words}`);
}
