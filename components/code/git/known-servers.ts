import { absolute } from "../../lib/path.ts";
import { runProgram } from "../../programs/program.ts";
import { gitSshCommand } from "./git.ts";
import { sshPlace } from "./url.ts";

/** How a machine reaches git servers as this one does: an ssh config, and the servers' host keys. */
export interface KnownServers {
  readonly sshConfig: string;
  readonly knownHosts: string;
  /** Servers of which this machine has no host key. */
  readonly strangers: readonly string[];
}

/**
 * What the user's ssh knows of the servers of these URLs: the real host behind an alias, its port, user and host keys.
 */
export async function knownServers(
  urls: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<KnownServers> {
  const servers = await Promise.all(
    [...new Map(urls.map((url) => [sshPlace(url).host, url])).values()].map((url) => server(url, env)),
  );
  return {
    sshConfig: servers.map(({ config }) => config).join("\n"),
    knownHosts: servers.flatMap(({ keys }) => keys).join("\n"),
    strangers: servers.filter(({ keys }) => keys.length === 0).map(({ host }) => host),
  };
}

async function server(url: string, env: NodeJS.ProcessEnv) {
  const { host, user, port } = sshPlace(url);
  const words = ["-G", ...(port === undefined ? [] : ["-p", port]), user === undefined ? host : `${user}@${host}`];
  const settings = settingsIn(await output(["sh", "-c", `${await gitSshCommand(env)} "$@"`, "sh", ...words], env));
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
  return { host, config, keys };
}

/** ssh -G prints a word and its values a line. */
function settingsIn(text: string): Map<string, string[]> {
  const lines = text.split("\n").map((line) => line.trim().split(/\s+/));
  return new Map(lines.map(([name = "", ...values]) => [name, values]));
}

/** Lines of known_hosts, whatever names they were under. A revoked key or one of an authority is none. */
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
