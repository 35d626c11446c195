import * as pulumi from "@pulumi/pulumi";
import { rsyncWords } from "../checkpoints/rsync.ts";
import type { Login } from "../ssh/run-script.ts";
import { sshCommand, sshWith } from "../ssh/ssh-config.ts";
import { hostKeyAlias, shellLine } from "../ssh/ssh-key.ts";

/** What people type; each line can be pasted into a shell as it is. */
export interface RunCommands {
  readonly sshCommand: string;
  /** Follows the training log. */
  readonly logCommand: string;
  /** Opens the tmux session in which training runs. */
  readonly attachCommand: string;
  /** Copies the checkpoints; `vast-run sync` also verifies them. */
  readonly syncCommand: string;
}

/** The commands for a machine with an ssh config file, its checkpoints being `from` there and `to` here. */
export function runCommands(machine: Pick<Login, "instanceId" | "key">, from: string, to: string): RunCommands {
  const ssh = sshCommand(machine);
  const way = { ssh: sshWith(machine), host: hostKeyAlias(machine.instanceId) };
  return {
    sshCommand: ssh,
    logCommand: `${ssh} 'tail -n 50 -F /workspace/train.log'`,
    attachCommand: `${ssh} -t 'tmux attach -t train'`,
    syncCommand: `mkdir -p ${shellLine([to])} && ${shellLine(rsyncWords(way, { from, to, checksum: false, links: true }))}`,
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
