import { type Login, runScript } from "../ssh/run-script.ts";
import { progressIn } from "./progress.ts";
import { nowScript } from "./scripts.ts";

/** What training does at this moment. */
export interface Now {
  readonly runs: boolean;
  /** The last one that its log names; undefined = none. */
  readonly step: number | undefined;
  /** In the folder of checkpoints. */
  readonly files: number;
}

/**
 * Looks what training does, and changes nothing. undefined = the machine does not say. Throws RemoteError.
 *
 * @param folder of checkpoints
 */
export async function nowOn(machine: Login, folder: string, signal?: AbortSignal): Promise<Now | undefined> {
  return nowIn((await runScript(machine, nowScript(folder), signal)).toString("utf8"));
}

/** Reads what now.sh prints. */
export function nowIn(said: string): Now | undefined {
  const [, runs, files] = /^now runs=([01]) files= *(\d{1,9})$/m.exec(said) ?? [];
  if (runs === undefined) return undefined;
  const log = said.split("\n").filter((line) => line.startsWith("| "));
  return { runs: runs === "1", step: progressIn(log.map((line) => line.slice(2))).step, files: Number(files) };
}

/** What becomes of training when it is another one from now on, on the same machine. undefined = nothing is known. */
export function restartText(now: Now | undefined): string {
  // An up without a preview may look when the code that comes beside it has stopped it already.
  if (now?.runs === false) return `${trainingText(now)} is stopped; it starts again from its last checkpoint`;
  return `${trainingText(now)} is stopped and started again from its last checkpoint`;
}

/** What comes before a machine goes. undefined = nothing is known. */
export function leaveText(now: Now | undefined): string {
  if (now === undefined) return "training is asked to save, and its files come home first";
  const files = now.files === 1 ? "1 file comes" : `${now.files} files come`;
  return now.runs
    ? `${trainingText(now)} is asked to save, and its ${files} home first`
    : `training does not run; its ${files} home first`;
}

function trainingText(now: Now | undefined): string {
  return now?.step === undefined ? "training" : `training (step ${now.step})`;
}
