import { shellQuoted } from "../../remote/script.ts";

/**
 * How this machine asks a server: as the rented one will (with no login, one token for one server, or the user's ssh), or
 * as the user's own git does.
 */
export type GitCredentials = "none" | "agent" | "own" | { readonly token: string; readonly origin: string };

/** Where git works, and for whom. */
export interface GitCall {
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** The git directory of a repository of ours; default none. */
  readonly bare?: string | undefined;
  /** A folder of the user's, in a work tree of theirs: all of their settings hold, and `login` does not. */
  readonly folder?: string | undefined;
  /** Default none. */
  readonly login?: GitCredentials | undefined;
  /** More of git's variables, such as GIT_INDEX_FILE. */
  readonly variables?: Readonly<Record<string, string>> | undefined;
}

/** Words in front of git's own, and its environment. */
export interface Setup {
  readonly words: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

/** A key of a git config and its value, in their order. */
export type Setting = readonly [string, string];

/**
 * Three kinds of git. In a work tree of the user's everything is theirs, but for what names another repository. In
 * repositories of ours, and for what is kept, nothing is: no settings, no hooks, no GIT_… variable. To a server git
 * goes from a repository of ours as well, and of the user's settings only those that say how to get there hold with
 * login "own".
 *
 * @param settings what the user's git config says; looked at with login "own" and "agent" only
 */
export function setupOf(
  { env = process.env, bare, folder, login = "none", variables }: GitCall,
  settings: readonly Setting[],
): Setup {
  if (folder !== undefined) {
    return { words: ["-C", folder], env: { ...withoutGit(env, [...PROGRAM, ...SETTINGS]), ...QUIET, ...variables } };
  }
  const isOwn = login === "own";
  const hasSsh = isOwn || login === "agent";
  return {
    words: ["--git-dir", bare ?? "/dev/null", "-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0", ...helper(login)],
    env: {
      ...withoutGit(env, isOwn ? [...PROGRAM, ...SERVER] : PROGRAM),
      ...QUIET,
      ...NO_SETTINGS,
      // A netrc file is looked for there, and what a command for ssh has of ~.
      ...(hasSsh ? {} : { HOME: "/dev/null", XDG_CONFIG_HOME: "/dev/null" }),
      ...(hasSsh ? { GIT_SSH_COMMAND: gitSshCommand(env, settings) } : {}),
      ...(isOwn ? asVariables(settings.filter(([key]) => SERVER_SETTINGS.test(key))) : {}),
      ...(typeof login === "string" ? {} : { VAST_GIT_TOKEN: login.token }),
      ...variables,
    },
  };
}

/** Does it depend on what the user's git config says? */
export function needsSettings({ folder, login }: GitCall): boolean {
  return folder === undefined && (login === "own" || login === "agent");
}

/** How git is asked for its settings: those that hold in this process' folder. Its output goes to `settingsIn`. */
export function settingsCall(env: NodeJS.ProcessEnv = process.env): Setup {
  return {
    words: ["config", "--list", "--includes", "-z"],
    env: { ...withoutGit(env, [...PROGRAM, ...SETTINGS]), ...QUIET },
  };
}

/** "key LF value NUL"; a key alone is true. */
export function settingsIn(text: string): Setting[] {
  return text.split("\0").flatMap((entry): Setting[] => {
    const at = entry.indexOf("\n");
    if (entry === "") return [];
    return [at < 0 ? [entry, "true"] : [entry.slice(0, at), entry.slice(at + 1)]];
  });
}

/** The user's own ssh, as git would call it, that fails where it would ask; for a shell. */
export function gitSshCommand(env: NodeJS.ProcessEnv, settings: readonly Setting[]): string {
  const configured = settings.findLast(([key]) => key === "core.sshcommand")?.[1];
  // A program may take nothing but what git gives it.
  if (!env.GIT_SSH_COMMAND && !configured && env.GIT_SSH) return shellQuoted(env.GIT_SSH);
  return `${env.GIT_SSH_COMMAND || configured || "ssh"} -o BatchMode=yes -o ConnectTimeout=10`;
}

/** Nobody is there to answer a prompt. */
const QUIET = {
  GIT_TERMINAL_PROMPT: "0",
  GIT_ASKPASS: "",
  SSH_ASKPASS: "",
  SSH_ASKPASS_REQUIRE: "never",
  GIT_LFS_SKIP_SMUDGE: "1",
  LC_ALL: "C",
};
const NO_SETTINGS = { GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1", GIT_ATTR_NOSYSTEM: "1" };

/** Where git's own programs are. */
const PROGRAM = [/^GIT_EXEC_PATH$/];
/** Where settings and repositories are looked for. */
const SETTINGS = [
  /^GIT_CONFIG_(GLOBAL|SYSTEM|NOSYSTEM|PARAMETERS|COUNT|KEY_\d+|VALUE_\d+)$/,
  /^GIT_(CEILING_DIRECTORIES|DISCOVERY_ACROSS_FILESYSTEM)$/,
];
/** How the user gets to a server. */
const SERVER = [/^GIT_(SSL|PROXY_SSL|HTTP)_/, /^GIT_(SSH_VARIANT|ALLOW_PROTOCOL|PROTOCOL_FROM_USER)$/];
const SERVER_SETTINGS = /^(credential|http|url|protocol|ssh)\./;

function withoutGit(env: NodeJS.ProcessEnv, kept: readonly RegExp[]): NodeJS.ProcessEnv {
  const entries = Object.entries(env);
  return Object.fromEntries(
    entries.filter(([name]) => !name.startsWith("GIT_") || kept.some((pattern) => pattern.test(name))),
  );
}

/** In the environment, because a header or a URL may hold a token. */
function asVariables(settings: readonly Setting[]): Record<string, string> {
  const entries = settings.flatMap(([key, value], at) => [
    [`GIT_CONFIG_KEY_${at}`, key],
    [`GIT_CONFIG_VALUE_${at}`, value],
  ]);
  return { GIT_CONFIG_COUNT: String(settings.length), ...Object.fromEntries(entries) };
}

/** The token is in git's environment, and the helper answers for this server alone. */
function helper(login: GitCredentials): string[] {
  if (typeof login === "string") return [];
  const text = `!f() { [ "$1" != get ] || printf 'username=x-access-token\\npassword=%s\\n' "$VAST_GIT_TOKEN"; }; f`;
  return ["-c", `credential.${login.origin}.helper=${text}`];
}
