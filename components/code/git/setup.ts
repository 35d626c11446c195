import { shellQuoted } from "../../remote/script.ts";

/**
 * How this machine logs in to a server: as the rented machine will ("none", a token for one server, or "agent" for the
 * user's ssh), or as the user's own git does ("own").
 */
export type GitCredentials = "none" | "agent" | "own" | { readonly token: string; readonly origin: string };

/** Which repository git works in, and how it logs in. */
export interface GitCall {
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** The git directory of one of our repositories; default none. */
  readonly bare?: string | undefined;
  /** A folder in a work tree of the user's: all their settings apply, and `login` is ignored. */
  readonly folder?: string | undefined;
  /** Default none. */
  readonly login?: GitCredentials | undefined;
  /** More of git's variables, such as GIT_INDEX_FILE. */
  readonly variables?: Readonly<Record<string, string>> | undefined;
}

/** Arguments that come before git's own, and its environment. */
export interface Setup {
  readonly words: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

/** A key of a git config and its value. */
export type Setting = readonly [string, string];

/**
 * Git runs in three ways. In the user's work tree all their settings apply, except variables that name another
 * repository. In our own repositories none apply: no settings, no hooks, no GIT_... variables. When one of ours talks
 * to a server with login "own", only the user's settings for reaching servers apply as well.
 *
 * @param settings the user's git config; read only with login "own" and "agent"
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
      // Otherwise git would find a netrc file there. With ssh, HOME stays, because an ssh command may contain ~.
      ...(hasSsh ? {} : { HOME: "/dev/null", XDG_CONFIG_HOME: "/dev/null" }),
      ...(hasSsh ? { GIT_SSH_COMMAND: gitSshCommand(env, settings) } : {}),
      ...(isOwn ? asVariables(settings.filter(([key]) => SERVER_SETTINGS.test(key))) : {}),
      ...(typeof login === "string" ? {} : { VAST_GIT_TOKEN: login.token }),
      ...variables,
    },
  };
}

/** Does this call depend on the user's git config? */
export function needsSettings({ folder, login }: GitCall): boolean {
  return folder === undefined && (login === "own" || login === "agent");
}

/** The call that lists the settings that apply in this process' folder. Pass its output to `settingsIn`. */
export function settingsCall(env: NodeJS.ProcessEnv = process.env): Setup {
  return {
    words: ["config", "--list", "--includes", "-z"],
    env: { ...withoutGit(env, [...PROGRAM, ...SETTINGS]), ...QUIET },
  };
}

/** Reads "key LF value NUL"; a key without a value means true. */
export function settingsIn(text: string): Setting[] {
  return text.split("\0").flatMap((entry): Setting[] => {
    const at = entry.indexOf("\n");
    if (entry === "") return [];
    return [at < 0 ? [entry, "true"] : [entry.slice(0, at), entry.slice(at + 1)]];
  });
}

/** The user's own ssh command, as git would run it, for a shell. It fails instead of asking. */
export function gitSshCommand(env: NodeJS.ProcessEnv, settings: readonly Setting[]): string {
  const configured = settings.findLast(([key]) => key === "core.sshcommand")?.[1];
  // A program in GIT_SSH may not accept further options.
  if (!env.GIT_SSH_COMMAND && !configured && env.GIT_SSH) return shellQuoted(env.GIT_SSH);
  return `${env.GIT_SSH_COMMAND || configured || "ssh"} -o BatchMode=yes -o ConnectTimeout=10`;
}

/** Makes git fail instead of prompting: nobody is there to answer. */
const QUIET = {
  GIT_TERMINAL_PROMPT: "0",
  GIT_ASKPASS: "",
  SSH_ASKPASS: "",
  SSH_ASKPASS_REQUIRE: "never",
  GIT_LFS_SKIP_SMUDGE: "1",
  LC_ALL: "C",
};
const NO_SETTINGS = { GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1", GIT_ATTR_NOSYSTEM: "1" };

/** Where git's own programs are found. */
const PROGRAM = [/^GIT_EXEC_PATH$/];
/** Where settings and repositories are found. */
const SETTINGS = [
  /^GIT_CONFIG_(GLOBAL|SYSTEM|NOSYSTEM|PARAMETERS|COUNT|KEY_\d+|VALUE_\d+)$/,
  /^GIT_(CEILING_DIRECTORIES|DISCOVERY_ACROSS_FILESYSTEM)$/,
];
/** How the user reaches a server. */
const SERVER = [/^GIT_(SSL|PROXY_SSL|HTTP)_/, /^GIT_(SSH_VARIANT|ALLOW_PROTOCOL|PROTOCOL_FROM_USER)$/];
const SERVER_SETTINGS = /^(credential|http|url|protocol|ssh)\./;

function withoutGit(env: NodeJS.ProcessEnv, kept: readonly RegExp[]): NodeJS.ProcessEnv {
  const entries = Object.entries(env);
  return Object.fromEntries(
    entries.filter(([name]) => !name.startsWith("GIT_") || kept.some((pattern) => pattern.test(name))),
  );
}

/** Passed in the environment, because a header or a URL may hold a token. */
function asVariables(settings: readonly Setting[]): Record<string, string> {
  const entries = settings.flatMap(([key, value], at) => [
    [`GIT_CONFIG_KEY_${at}`, key],
    [`GIT_CONFIG_VALUE_${at}`, value],
  ]);
  return { GIT_CONFIG_COUNT: String(settings.length), ...Object.fromEntries(entries) };
}

/** The token is in git's environment, and the helper gives it only to this server. */
function helper(login: GitCredentials): string[] {
  if (typeof login === "string") return [];
  const text = `!f() { [ "$1" != get ] || printf 'username=x-access-token\\npassword=%s\\n' "$VAST_GIT_TOKEN"; }; f`;
  return ["-c", `credential.${login.origin}.helper=${text}`];
}
