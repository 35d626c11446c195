import { hostKeyFingerprint } from "../../components/ssh/known-hosts.ts";
import { shellLine } from "../../components/ssh/ssh-key.ts";
import type { OptionValues, Terminal } from "../command/command.ts";
import { exitCode, Failure } from "../command/failure.ts";
import { openMachine, type StackMachine, sshWords } from "./machine.ts";
import { noteHostKey, plainSsh } from "./plain-ssh.ts";

/** Runs `vast-run env`. */
export async function printEnv(values: OptionValues, terminal: Terminal): Promise<number> {
  const machine = await openMachine(values, terminal);
  terminal.out(envLines(machine));
  if (!values["no-known-hosts"]) introduce(machine, terminal);
  return exitCode.ok;
}

/** Shell lines for eval. SSH_CMD is used without quotes, so none of its words contains a blank. */
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

/** Makes plain ssh accept the machine's host key. If that fails, it is only noted. */
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
