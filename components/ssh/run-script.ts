import { spawn } from "node:child_process";
import { hidden } from "../lib/secrets.ts";
import { remoteError } from "./remote-error.ts";
import { type SshKey, sshArgs } from "./ssh-key.ts";

/** A machine that lets us in. */
export interface Login {
  readonly instanceId: number;
  /** Answers now (`liveEndpoint`); its host key is pinned. */
  readonly endpoint: { readonly host: string; readonly port: number };
  readonly key: Pick<SshKey, "privateKeyFile" | "knownHostsFile">;
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

/** Runs a bash script on a machine and answers with what it prints. Throws RemoteError `unreachable` or `failed`. */
export function runScript(machine: Login, script: string, signal?: AbortSignal): Promise<Buffer> {
  const [file = "ssh", ...args] = [...sshTo(machine), `root@${machine.endpoint.host}`, "bash -s"];
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: "pipe", ...(signal ? { signal } : {}) });
    const out: Buffer[] = [];
    let complaints = "";
    let size = 0;
    let broken = "";
    const end = (why: string) => {
      broken ||= why;
      child.kill();
    };
    const silence = setTimeout(() => end("it has said nothing for half an hour"), LONGEST_SILENCE_MS);
    const heard = (chunk: Buffer) => {
      silence.refresh();
      size += chunk.length;
      if (size > MOST_OUTPUT) end("it talks without end");
    };
    child.stdout.on("data", (chunk: Buffer) => {
      heard(chunk);
      if (broken === "") out.push(chunk);
    });
    child.stderr.on("data", (chunk: Buffer) => {
      heard(chunk);
      complaints = (complaints + chunk.toString("latin1")).slice(-MOST_COMPLAINTS);
    });
    child.stdin.on("error", () => {}); // the exit code says why it did not listen
    child.once("error", (error) => reject(remoteError("failed", `ssh cannot be run: ${error.message}`)));
    child.once("close", (code) => {
      clearTimeout(silence);
      if (broken !== "") reject(remoteError("failed", `a command on the machine was given up: ${broken}`));
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
