import { diskError } from "../../components/lib/disk.ts";
import { isRemoteError } from "../../components/ssh/remote-error.ts";
import { isVastError } from "../../components/vast/client/errors.ts";

/** What the caller's shell sees. `unheld` = something bills that no state holds. */
export const exitCode = { ok: 0, failed: 1, usage: 2, noInstance: 3, unheld: 3 } as const;
export type ExitCode = (typeof exitCode)[keyof typeof exitCode];

/** Something a user can act on: one sentence, no stack trace. */
export class Failure extends Error {
  readonly code: ExitCode;

  constructor(code: ExitCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** The exit code of anything thrown. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof Failure) return error.code;
  if (isVastError(error, "no_such_instance", "not_running")) return exitCode.noInstance;
  if (isVastError(error, "config", "no_key", "auth", "forbidden")) return exitCode.usage;
  return exitCode.failed;
}

/** The text for standard error: one line for what a user can act on, the stack for a defect of ours. */
export function errorText(error: unknown): string {
  if (error instanceof Failure || isVastError(error) || isRemoteError(error)) return error.message;
  const disk = diskError(error);
  if (disk !== undefined) return disk.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
