import * as pulumi from "@pulumi/pulumi";
import { ATTACH } from "../remote/terminal.ts";
import type { Login } from "../ssh/run-script.ts";
import { sshCommand } from "../ssh/ssh-config.ts";
import { shellLine } from "../ssh/ssh-key.ts";

/** What people type; each line can be pasted into a shell as it is. */
export interface RunCommands {
  readonly sshCommand: string;
  /** Follows the training log. */
  readonly logCommand: string;
  /** Opens the tmux session in which training runs. */
  readonly attachCommand: string;
  /** Brings the checkpoints home, in the folder of the project. A plain rsync could leave half a file in place of one that was verified. */
  readonly syncCommand: string;
}

/** The commands for the machine of a stack; it has an ssh config file. */
export function runCommands(machine: Pick<Login, "instanceId" | "key">, stack: string): RunCommands {
  const ssh = sshCommand(machine);
  return {
    sshCommand: ssh,
    logCommand: `${ssh} 'tail -n 50 -F /workspace/train.log'`,
    attachCommand: `${ssh} -t '${ATTACH}'`,
    syncCommand: shellLine(["vast-run", "sync", "-s", stack]),
  };
}

/**
 * What the training step has printed of the time from the first login on the machine to the first line of training,
 * seconds; null = nothing. It is no secret, though the step that printed it is.
 */
export function secondsToFirstLine(printed: pulumi.Output<string>): pulumi.Output<number | null> {
  return pulumi.unsecret(printed).apply(secondsIn);
}

/** undefined in a preview, before anything was printed. */
export function secondsIn(printed: string | undefined): number | null {
  const [, milliseconds] = /^training: first line (\d{1,12}) ms after the first login$/m.exec(printed ?? "") ?? [];
  return milliseconds === undefined ? null : Number(milliseconds) / 1000;
}
