import { spawnSync } from "node:child_process";

/** Where the machine keeps its host key. */
export const HOST_KEY = "/etc/ssh/ssh_host_ed25519_key";

/**
 * A machine's sshd: root by key only, nothing of the client's environment, and a plain environment of its own, as on
 * Vast, where neither the image's nor the contract's variables reach a session.
 * @param settings variables that every session gets: how the network is reached
 */
export function sshdConfig(settings: Record<string, string>): string {
  const variables = Object.entries(settings).map(([name, value]) => `"${name}=${value.replace(/["\\]/g, "\\$&")}"`);
  return `ListenAddress 127.0.0.1
HostKey ${HOST_KEY}
PidFile none
UsePAM no
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
AuthorizedKeysFile /root/.ssh/authorized_keys
Banner /etc/ssh/banner
PrintMotd no
PrintLastLog no
UseDNS no
MaxStartups 200
${punishes() ? "PerSourcePenalties no\n" : ""}Subsystem sftp internal-sftp
${variables.length === 0 ? "" : `SetEnv ${variables.join(" ")}\n`}`;
}

/** Since 9.8 sshd shuts out addresses that fail to log in. Here all clients share one address. */
function punishes(): boolean {
  const [, major = "0", minor = "0"] =
    /OpenSSH_(\d+)\.(\d+)/.exec(spawnSync("ssh", ["-V"]).stderr?.toString() ?? "") ?? [];
  return Number(major) > 9 || (Number(major) === 9 && Number(minor) >= 8);
}
