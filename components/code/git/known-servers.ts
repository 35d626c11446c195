import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { absolute } from "../../lib/path.ts";
import { runProgram } from "../../programs/program.ts";
import { shellQuoted } from "../../remote/script.ts";
import { userSettings } from "./git.ts";
import { gitSshCommand } from "./setup.ts";
import { sshPlace } from "./url.ts";

/** Lets a machine reach git servers as this one does: an ssh config, and the servers' host keys. */
export interface KnownServers {
  readonly sshConfig: string;
  readonly knownHosts: string;
  /** Additional ssh config for this machine only: its proxies, which the rented machine does not have. */
  readonly proxies: string;
  /** Servers whose host keys this machine does not have. */
  readonly strangers: readonly string[];
}

/**
 * What the user's ssh knows about the servers of these URLs: the real host of an alias, its port, user and host keys.
 */
export async function knownServers(
  urls: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<KnownServers> {
  const ssh = gitSshCommand(env, await userSettings(env));
  const servers = await Promise.all(
    [...new Map(urls.map((url) => [sshPlace(url).host, url])).values()].map((url) => server(url, ssh, env)),
  );
  return {
    sshConfig: servers.map(({ config }) => config).join("\n"),
    knownHosts: servers.flatMap(({ keys }) => keys).join("\n"),
    proxies: servers.map(({ proxy }) => proxy).join("\n"),
    strangers: servers.filter(({ keys }) => keys.length === 0).map(({ host }) => host),
  };
}

/**
 * Passes `use` a command for GIT_SSH_COMMAND that connects to these servers with only what the machine will have: the
 * agent's keys, and none of the user's files. The command works until `use` has ended.
 *
 * @param servers undefined = the command is ""
 */
export async function withSshOf<T>(
  servers: KnownServers | undefined,
  use: (command: string) => Promise<T>,
): Promise<T> {
  if (servers === undefined) return await use("");
  const folder = mkdtempSync(join(tmpdir(), "vast-servers-"));
  try {
    const known = join(folder, "known_hosts");
    const everywhere = [
      "Host *",
      `  UserKnownHostsFile "${known}"`,
      "  GlobalKnownHostsFile none",
      "  IdentityFile none",
    ];
    writeFileSync(known, `${servers.knownHosts}\n`);
    writeFileSync(join(folder, "config"), [servers.sshConfig, servers.proxies, ...everywhere, ""].join("\n"));
    return await use(`ssh -F ${shellQuoted(join(folder, "config"))}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function server(url: string, ssh: string, env: NodeJS.ProcessEnv) {
  const { host, user, port } = sshPlace(url);
  const words = ["-G", ...(port === undefined ? [] : ["-p", port]), user === undefined ? host : `${user}@${host}`];
  const settings = settingsIn(await output(["sh", "-c", `${ssh} "$@"`, "sh", ...words], env));
  const name = settings.get("hostname")?.[0] ?? host;
  const realPort = settings.get("port")?.[0] ?? "22";
  const known = settings.get("hostkeyalias")?.[0] ?? (realPort === "22" ? name : `[${name}]:${realPort}`);
  const files = [...(settings.get("userknownhostsfile") ?? []), ...(settings.get("globalknownhostsfile") ?? [])];
  const found = await Promise.all(
    files.map((file) => output(["ssh-keygen", "-F", known, "-f", absolute(file, env)], env)),
  );
  const alias = `git-${host}`;
  const keys = [...new Set(found.flatMap((text) => keysIn(text, alias)))];
  const config = [
    `Host ${host}`,
    `  HostName ${name}`,
    `  Port ${realPort}`,
    `  HostKeyAlias ${alias}`,
    ...(user === undefined && settings.has("user") ? [`  User ${settings.get("user")?.[0]}`] : []),
    "  StrictHostKeyChecking yes",
    "  BatchMode yes",
    "  ConnectTimeout 20",
  ].join("\n");
  const ways = ["proxycommand", "proxyjump"].flatMap((name) => {
    const words = settings.get(name)?.join(" ") ?? "none";
    return words === "none" ? [] : [`  ${name} ${words}`];
  });
  return { host, config, keys, proxy: [`Host ${host}`, ...ways].join("\n") };
}

/** Reads the output of ssh -G: a word and its values on each line. */
function settingsIn(text: string): Map<string, string[]> {
  const lines = text.split("\n").map((line) => line.trim().split(/\s+/));
  return new Map(lines.map(([name = "", ...values]) => [name, values]));
}

/**
 * Lines of known_hosts under the alias instead of their own names. Revoked keys and keys of authorities are left out.
 */
function keysIn(text: string, alias: string): string[] {
  return text.split("\n").flatMap((line) => {
    const [, type, key] = /^[^#@\s]\S* ([\w@.-]+) ([A-Za-z0-9+/=]+)/.exec(line) ?? [];
    return type === undefined ? [] : [`${alias} ${type} ${key}`];
  });
}

async function output(words: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  const { code, stdout } = await runProgram(words, { env, timeoutMs: 10_000 });
  return code === 0 ? stdout.toString("utf8") : "";
}
