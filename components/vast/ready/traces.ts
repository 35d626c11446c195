import { tracesScript } from "../../remote/scripts.ts";
import { remoteError } from "../../ssh/remote-error.ts";
import { type Login, runScript } from "../../ssh/run-script.ts";

/** What a machine tells of a training of ours. */
export interface Traces {
  /** The folder in which steps note what they did. */
  readonly kept: boolean;
  /** Training was begun. */
  readonly trained: boolean;
  /** The folder of checkpoints. */
  readonly folder: boolean;
  /** Files were seen in it once. */
  readonly saved: boolean;
  /** There are files in it, or it cannot be looked into. */
  readonly files: boolean;
}

/**
 * Looks for them, and changes nothing. Throws RemoteError.
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

/** Nothing of a training of ours was ever on this machine, as far as it tells. */
export function isUntouched({ trained, saved, files }: Traces): boolean {
  return !trained && !saved && !files;
}
