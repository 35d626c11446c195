import { chmodSync, cpSync, existsSync, lstatSync, mkdirSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { networkSettings } from "./network.ts";
import { sshdConfig } from "./sshd-config.ts";

const folders = [
  ..."dev home media mnt opt proc run/sshd srv sys usr var/cache var/lib var/log var/spool workspace".split(" "),
  ..."etc/alternatives etc/ssh etc/ssl/certs root/.ssh tmp var/tmp".split(" "),
];
const modes: Record<string, number> = { tmp: 0o1777, "var/tmp": 0o1777, root: 0o700, "root/.ssh": 0o700 };

const localFolders = ["bin", "etc", "include", "lib", "sbin", "share", "src"];

/** Files of this machine's /etc that every Debian has and that hold no secret. */
const copies = [
  ..."bash.bashrc debian_version gai.conf host.conf hosts inputrc ld.so.cache ld.so.conf".split(" "),
  ..."ld.so.conf.d localtime login.defs magic mime.types os-release protocols resolv.conf services".split(" "),
  ..."shells ssl/openssl.cnf terminfo timezone".split(" "),
];

const systemLinks = ["bin", "sbin", "lib", "lib32", "lib64", "libx32"];

const accounts: [name: string, id: number, home: string, shell: string][] = [
  ["root", 0, "/root", "/bin/bash"],
  ["daemon", 1, "/usr/sbin", "/usr/sbin/nologin"],
  ["www-data", 33, "/var/www", "/usr/sbin/nologin"],
  ["_apt", 42, "/nonexistent", "/usr/sbin/nologin"],
  ["sshd", 101, "/run/sshd", "/usr/sbin/nologin"],
  ["nobody", 65_534, "/nonexistent", "/usr/sbin/nologin"],
];

const groups: [name: string, id: number][] = [
  ...accounts.map(([name, id]): [string, number] => [name === "nobody" ? "nogroup" : name, id]),
  ["tty", 5],
  ["staff", 50],
  ["users", 100],
];

const profile = `PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
[ -z "\${BASH-}" ] || [ -z "\${PS1-}" ] || [ ! -r /etc/bash.bashrc ] || . /etc/bash.bashrc
`;

const bashrc = `[ -z "$PS1" ] && return
alias ls='ls --color=auto'
`;

/**
 * Makes the lowest layer of every machine in an empty folder: `root` with a small /etc and empty folders, `local` for
 * /usr/local. The rest of /usr is this machine's.
 */
export function makeBase(folder: string, env: NodeJS.ProcessEnv): void {
  const before = process.umask(0o022);
  try {
    fillBase(folder, env);
  } finally {
    process.umask(before);
  }
}

function fillBase(folder: string, env: NodeJS.ProcessEnv): void {
  const root = join(folder, "root");
  for (const name of folders) mkdirSync(join(root, name), { recursive: true, mode: 0o755 });
  for (const name of localFolders) mkdirSync(join(folder, "local", name), { recursive: true, mode: 0o755 });
  linkSystem(root);
  for (const name of copies) copyOf(name, root);
  write(
    root,
    "etc/passwd",
    accounts.map(([name, id, home, shell]) => `${name}:x:${id}:${id}:${name}:${home}:${shell}`),
  );
  write(
    root,
    "etc/shadow",
    accounts.map(([name]) => `${name}:*:19000:0:99999:7:::`),
    0o600,
  );
  write(
    root,
    "etc/group",
    groups.map(([name, id]) => `${name}:x:${id}:`),
  );
  write(root, "etc/nsswitch.conf", ["passwd: files", "group: files", "shadow: files", "hosts: files dns"]);
  write(root, "etc/profile", [profile]);
  write(root, "etc/ssh/sshd_config", [sshdConfig(networkSettings(env, root))], 0o600);
  write(root, "etc/ssh/banner", [
    "This is a simulated machine. When your key is refused, wait a moment and try again.",
  ]);
  write(root, "var/log/lastlog", []); // sshd complains when it is missing
  write(root, "root/.bashrc", [bashrc]);
  write(root, "root/.profile", ['[ -z "$BASH" ] || . ~/.bashrc']);
  program(join(root, ".launch"), "launch.sh");
  program(join(folder, "local/bin/nvidia-smi"), "nvidia-smi.sh");
  for (const [name, mode] of Object.entries(modes)) chmodSync(join(root, name), mode);
}

/** Where /bin is a link into /usr, makes the same link inside; elsewhere makes a folder to mount it on. */
function linkSystem(root: string): void {
  for (const name of systemLinks) {
    const found = lstatSync(`/${name}`, { throwIfNoEntry: false });
    if (found?.isSymbolicLink()) symlinkSync(readlinkSync(`/${name}`), join(root, name));
    else if (found?.isDirectory()) mkdirSync(join(root, name));
  }
  symlinkSync("/run", join(root, "var/run"));
}

function copyOf(name: string, root: string): void {
  const from = join("/etc", name);
  if (existsSync(from)) cpSync(from, join(root, "etc", name), { recursive: true, dereference: true });
}

function write(root: string, name: string, lines: string[], mode = 0o644): void {
  const text = lines.join("\n");
  writeFileSync(join(root, name), text.endsWith("\n") ? text : `${text}\n`, { mode });
}

function program(to: string, name: string): void {
  cpSync(join(import.meta.dirname, name), to);
  chmodSync(to, 0o755);
}
