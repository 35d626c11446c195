import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A login node whose ssh is set up against everything that leaves it. */
export interface HostileLogin {
  /** For every command. */
  readonly env: NodeJS.ProcessEnv;
  /** Words in front of a command, which then finds the set-up in place; as root on Linux. */
  readonly words: readonly string[];
  /** Which traps somebody has stepped into, a line each. */
  sprung(): string;
  /** What is in the user's ssh folder. */
  files(): Record<string, string>;
}

const trap = (traps: string, name: string) => `/bin/sh -c 'echo ${name} >>${traps}; exit 1'`;

function configOf(traps: string): string {
  return `Host *
  Port 2222
  User nobody
  IdentityFile ~/.ssh/not_there
  ProxyCommand ${trap(traps, "ProxyCommand")}
  ControlMaster auto
  ControlPath ~/.ssh/master-%C
  ControlPersist 60
  RequestTTY force
  RemoteCommand echo hostile
  ForwardAgent yes
  StrictHostKeyChecking yes
  GSSAPIAuthentication yes
  SendEnv *
`;
}

const KNOWN = `* ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
@revoked * ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB
this is no line of known_hosts
`;

/**
 * Makes it in a folder. OpenSSH takes the home directory from the list of users and not from HOME, so the commands get a
 * list of users of their own, and the same config as the whole system's.
 */
export function hostileLogin(folder: string): HostileLogin {
  const [home, traps] = [join(folder, "hostile"), join(folder, "traps")];
  const ssh = join(home, ".ssh");
  mkdirSync(ssh, { recursive: true, mode: 0o700 });
  writeFileSync(join(ssh, "config"), configOf(traps), { mode: 0o600 });
  writeFileSync(join(ssh, "known_hosts"), KNOWN, { mode: 0o600 });
  const users = readFileSync("/etc/passwd", "utf8").replace(/^(root:(?:[^:]*:){4})[^:]*/m, `$1${home}`);
  writeFileSync(join(folder, "passwd"), users);
  copyFileSync(join(ssh, "config"), join(folder, "ssh_config"));
  const mounts = [
    `mount --bind ${join(folder, "passwd")} /etc/passwd`,
    ...(existsSync("/etc/ssh/ssh_config") ? [`mount --bind ${join(folder, "ssh_config")} /etc/ssh/ssh_config`] : []),
  ];
  return {
    env: {
      HOME: home,
      SSH_AUTH_SOCK: join(folder, "no-such-agent"),
      GIT_SSH_COMMAND: trap(traps, "GIT_SSH_COMMAND"),
      RSYNC_RSH: trap(traps, "RSYNC_RSH"),
    },
    words: ["--mount", "--propagation", "private", "sh", "-ec", `${mounts.join("\n")}\nexec "$@"`, "sh"],
    sprung: () => (existsSync(traps) ? readFileSync(traps, "utf8") : ""),
    files: () => ({
      config: readFileSync(join(ssh, "config"), "utf8"),
      known_hosts: readFileSync(join(ssh, "known_hosts"), "utf8"),
    }),
  };
}
