import { spawn } from "node:child_process";
import { once } from "node:events";
import { type LogStep, logScript } from "../../components/remote/scripts.ts";
import { type Login, lastWords, sshTo } from "../../components/ssh/run-script.ts";
import { type LogFrame, LogFrames } from "./log-frames.ts";

/** How one connection ended. */
export type StreamEnd =
  | { readonly is: "done" } // all that was asked for has come
  | { readonly is: "no log" }
  | { readonly is: "broken"; readonly words: string } // the connection
  | { readonly is: "failed"; readonly words: string }; // the machine cannot do it

export interface LogReader {
  /** Shows a whole frame; nothing more is read until it has returned. */
  take(frame: LogFrame): Promise<void> | void;
}

/** A remote exit code that no command on the machine uses. */
const NO_LOG = 66;
/** ssh's exit code for a failed connection. */
const NO_CONNECTION = 255;

/** Reads the log over one connection, until the connection ends or the signal is aborted. */
export async function streamLog(
  login: Login,
  step: LogStep,
  reader: LogReader,
  signal: AbortSignal,
): Promise<StreamEnd> {
  const [file = "ssh", ...words] = [...sshTo(login), `root@${login.endpoint.host}`, "bash -s"];
  const child = spawn(file, words, { stdio: "pipe" });
  const end = () => child.kill();
  signal.addEventListener("abort", end);
  let complaints = "";
  child.stderr.on("data", (chunk: Buffer) => {
    complaints = (complaints + chunk.toString("latin1")).slice(-4096);
  });
  child.stdin.on("error", () => {}); // the exit code says why it did not listen
  child.stdin.end(logScript(step));
  const closed = once(child, "close") as Promise<[number | null]>;
  const frames = new LogFrames();
  try {
    for await (const chunk of child.stdout as AsyncIterable<Buffer>)
      for (const frame of frames.read(chunk)) await reader.take(frame);
  } catch (error) {
    end();
    await closed;
    return { is: "failed", words: (error as Error).message };
  } finally {
    signal.removeEventListener("abort", end);
  }
  const [code] = await closed;
  await new Promise(setImmediate); // ^C reaches ssh as well as us
  if (code === 0) return { is: "done" };
  if (code === NO_LOG) return { is: "no log" };
  const said = lastWords(complaints.split("\n"));
  return { is: code === NO_CONNECTION || code === null ? "broken" : "failed", words: said };
}
