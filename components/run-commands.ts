import type { Machine } from "./checkpoints/machine.ts";
import { rsyncWords } from "./checkpoints/rsync.ts";
import { shellLine } from "./ssh-key.ts";
import { sshCommand } from "./vast/ssh.ts";

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

/** The commands for a machine, its checkpoints being `from` there and `to` here. */
export function runCommands(machine: Machine, from: string, to: string): RunCommands {
  const { instanceId, endpoint, key } = machine;
  const ssh = sshCommand({ ...endpoint, instanceId, key });
  const copy = rsyncWords(machine, { from, to, checksum: false });
  return {
    sshCommand: ssh,
    logCommand: `${ssh} 'tail -n 50 -F /workspace/train.log'`,
    attachCommand: `${ssh} -t 'tmux attach -t train'`,
    syncCommand: `mkdir -p ${shellLine([to])} && ${shellLine(copy)}`,
  };
}
