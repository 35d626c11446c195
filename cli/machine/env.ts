import { hostKeyFingerprint } from "../../components/ssh/known-hosts.ts";
import { shellLine } from "../../components/ssh/ssh-key.ts";
import type { Command, Terminal } from "../command/command.ts";
import { exitCode, Failure } from "../command/failure.ts";
import { openMachine, type StackMachine, sshWords } from "./machine.ts";
import { noteHostKey, plainSsh } from "./plain-ssh.ts";

export const env: Command = {
  name: "env",
  summary: "Print shell variables for ssh and rsync: INSTANCE_ID, SSH_HOST, SSH_PORT, SSH_CMD",
  details: `SSH_CMD needs nothing of yours: it brings its own key and the machine's pinned host key. Plain ssh and rsync use your
keys, which the machine allows when they were in your ssh agent at the launch. They also look up the host key in your
known_hosts, so the pinned key is added there (and a line this command once added for the same address is replaced).

Examples:
  eval "$(npx -s vast-run env)"
  $SSH_CMD 'tail -f /workspace/train.log'
  $SSH_CMD -t 'tmux attach -t train'
  rsync -avz -e "ssh -p $SSH_PORT" root@$SSH_HOST:/workspace/checkpoints/ checkpoints/`,
  options: {
    "no-known-hosts": { type: "boolean", help: "leave your known_hosts alone; plain ssh then asks once" },
  },
  run: async (values, terminal) => {
    const machine = await openMachine(values, terminal);
    terminal.out(envLines(machine));
    if (!values["no-known-hosts"]) introduce(machine, terminal);
    return exitCode.ok;
  },
};

/** Lines for eval. The words of SSH_CMD hold no blanks: it is meant to be used without quotes. */
export function envLines(machine: StackMachine): string {
  const { endpoint, instanceId } = machine;
  const words = sshWords(machine, false);
  const unfit = words.find((word) => /[\s*?[\]"'\\]/.test(word));
  if (unfit !== undefined) {
    throw new Failure(
      exitCode.usage,
      `SSH_CMD is split at blanks by the shell, and ${unfit} has one (or a quote or wildcard). ` +
        "Set VAST_TRAINING_HOME, or sshKey, to a path without",
    );
  }
  const variables = {
    INSTANCE_ID: String(instanceId),
    SSH_HOST: endpoint.host,
    SSH_PORT: String(endpoint.port),
    SSH_CMD: words.join(" "),
  };
  const lines = Object.entries(variables).map(([name, value]) => `export ${name}=${shellLine([value])}`);
  return lines.join("\n");
}

/** Makes plain ssh know the machine. Whatever hinders that is worth a note, never a failure. */
function introduce({ endpoint, instanceId }: StackMachine, terminal: Terminal): void {
  try {
    const ssh = plainSsh(endpoint.host, endpoint.port);
    if (!ssh.strict || ssh.knownHostsFile === undefined) return;
    const noted = noteHostKey(ssh.knownHostsFile, ssh.hostName, endpoint.hostKey);
    if (noted === "noted") {
      terminal.note(`Instance ${instanceId}: added its host key to ${ssh.knownHostsFile} as ${ssh.hostName}`);
    }
    if (noted === "conflict") {
      const remedy = shellLine(["ssh-keygen", "-f", ssh.knownHostsFile, "-R", ssh.hostName]);
      terminal.note(
        `Plain ssh will refuse ${ssh.hostName}: it remembers another machine there. Forget it with: ${remedy}`,
      );
    }
  } catch (error) {
    terminal.note(`Plain ssh may ask about ${hostKeyFingerprint(endpoint.hostKey)}: ${(error as Error).message}`);
  }
}
