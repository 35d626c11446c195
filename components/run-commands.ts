import type { Machine } from "./checkpoints/machine.ts";
import { rsyncWords } from "./checkpoints/rsync.ts";
import { hostKeyAlias, shellLine } from "./ssh-key.ts";
import { sshCommand, sshWith } from "./vast/ssh-config.ts";

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
export function runCommands(machine: Pick<Machine, "instanceId" | "key">, from: string, to: string): RunCommands {
  const ssh = sshCommand(machine);
  const way = { ssh: sshWith(machine), host: hostKeyAlias(machine.instanceId) };
  return {
    sshCommand: ssh,
    logCommand: `${ssh} 'tail -n 50 -F /workspace/train.log'`,
    attachCommand: `${ssh} -t 'tmux attach -t train'`,
    syncCommand: `mkdir -p ${shellLine([to])} && ${shellLine(rsyncWords(way, { from, to, checksum: false, links: true }))}`,
  };
}
