import type { GitAuth } from "../../remote/scripts.ts";

/** A character that may stand in the path of a URL. */
const PART = '[^\\s\\p{C}?#\\\\"<>^`{|}]';
const HOST = "\\w[\\w.-]*";

/**
 * A repository in a stack config: https without a login, ssh in either notation, or a simulator's. A text like
 * `ext::...` would be a command for git, and one that begins with a dash would be an option for ssh.
 */
export const REPO = new RegExp(
  [
    `^https?://[\\w.-]+(:\\d+)?/${PART}+$`,
    `^ssh://(${HOST}@)?${HOST}(:\\d+)?/${PART}+$`,
    "^simulator:[\\w.-]+$",
    `^(?!simulator:)(${HOST}@)?${HOST}:(?!//|[:-])${PART}+$`,
  ].join("|"),
  "u",
);

/** Does git reach it over ssh? `host:path`, `git@host:path` or `ssh://…` */
export function isSshUrl(url: string): boolean {
  return url.startsWith("ssh://") || /^(?!simulator:)([\w.-]+@)?\w[\w.-]*:(?!\/\/|:)/.test(url);
}

/** Resolves a submodule's URL as git does: one that begins with a dot is relative to its repository's URL. */
export function resolvedUrl(repository: string, url: string): string {
  if (!/^\.\.?\//.test(url)) return url;
  const [, up = "", rest = ""] = /^((?:\.\.?\/)+)(.*)$/.exec(url) ?? [];
  const ups = up.split("/").filter((part) => part === "..").length;
  let [base, separator] = [repository.replace(/\/$/, ""), "/"];
  for (let step = 0; step < ups; step++) {
    const at = Math.max(base.lastIndexOf("/"), base.includes("/") ? -1 : base.lastIndexOf(":"));
    if (base[at] === ":") separator = ":";
    base = at < 0 ? "." : base.slice(0, at);
  }
  return `${base}${separator}${rest}`.replace(/\/$/, "");
}

/** How the commit gets to the machine. "" = upload for ssh, because the machine has no key, and none for other URLs. */
export function wayOf(gitAuth: GitAuth | "", url: string): GitAuth {
  return gitAuth || (isSshUrl(url) ? "upload" : "none");
}

/** "https://host:port" of an http URL. */
export function originOf(url: string): string {
  return /^https?:\/\/[^/]+/.exec(url)?.[0] ?? "";
}

/** Host for ssh, with user and port where the URL has them. */
export function sshPlace(url: string): { host: string; user?: string; port?: string } {
  const [, user, host = "", port] =
    /^ssh:\/\/(?:([\w.-]+)@)?([\w.-]+)(?::(\d+))?\//.exec(url) ?? /^(?:([\w.-]+)@)?([\w.-]+):/.exec(url) ?? [];
  return { host, ...(user === undefined ? {} : { user }), ...(port === undefined ? {} : { port }) };
}
