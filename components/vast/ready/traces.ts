import { tracesScript } from "../../remote/scripts.ts";
import { remoteError } from "../../ssh/remote-error.ts";
import { type Login, runScript } from "../../ssh/run-script.ts";

/** Traces of a training of ours on a machine. */
export interface Traces {
  /** There is the folder in which steps note what they did. */
  readonly kept: boolean;
  /** Training was begun. */
  readonly trained: boolean;
  /** There is a folder of checkpoints. */
  readonly folder: boolean;
  /** There were files in it at some time. */
  readonly saved: boolean;
  /** There are files in it now, or it cannot be looked into. */
  readonly files: boolean;
}

/**
 * Looks for traces, and changes nothing. Throws RemoteError.
 *
 * @param folder of checkpoints; "" = the one that training has noted, else /workspace/checkpoints
 * @param workspace default /workspace
 */
export async function tracesOn(
  machine: Login,
  folder: string,
  { workspace, signal }: { workspace?: string | undefined; signal?: AbortSignal | undefined } = {},
): Promise<Traces> {
  const script = tracesScript(folder, workspace === undefined ? {} : { workspace });
  return tracesIn((await runScript(machine, script, signal)).toString("utf8"));
}

/** Reads what traces.sh prints. */
export function tracesIn(said: string): Traces {
  const found = LINE.exec(said)
    ?.slice(1)
    .map((mark) => mark === "1");
  if (found === undefined) throw remoteError("failed", "the machine does not say whether training has run on it");
  const [kept = false, trained = false, folder = false, saved = false, files = false] = found;
  return { kept, trained, folder, saved, files };
}

const LINE = /^traces kept=([01]) trained=([01]) folder=([01]) saved=([01]) files=([01])$/m;

/** Does the machine show no sign of a training of ours? */
export function isUntouched({ trained, saved, files }: Traces): boolean {
  return !trained && !saved && !files;
}
