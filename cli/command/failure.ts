import { diskError } from "../../components/lib/disk.ts";
import { isRemoteError } from "../../components/ssh/remote-error.ts";
import { isVastError } from "../../components/vast/client/errors.ts";

/** Exit codes of `vast-run`. */
export const exitCode = { ok: 0, failed: 1, usage: 2, unheld: 3, noInstance: 4 } as const;
export type ExitCode = (typeof exitCode)[keyof typeof exitCode];

/** The meaning of each exit code, the same for every command. */
export const exitCodeMeanings: Readonly<Record<keyof typeof exitCode, string>> = {
  ok: "it worked",
  failed: "it did not work, or not everything could be seen",
  usage: "the command line, the config or a key is wrong, and nothing was done",
  unheld: "something bills that no stack's state has (sweep, recover)",
  noInstance: "the stack has no instance that runs",
};

/** Something a user can act on: one sentence, no stack trace. */
export class Failure extends Error {
  readonly code: ExitCode;

  constructor(code: ExitCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** The exit code for anything that is thrown. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof Failure) return error.code;
  if (isVastError(error, "no_such_instance", "not_running")) return exitCode.noInstance;
  if (isVastError(error, "config", "no_key", "auth", "forbidden")) return exitCode.usage;
  return exitCode.failed;
}

/** Text for standard error: one line for an error that the user can act on, the stack trace for a defect of ours. */
export function errorText(error: unknown): string {
  if (error instanceof Failure || isVastError(error) || isRemoteError(error)) return error.message;
  const disk = diskError(error);
  if (disk !== undefined) return disk.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
