import type { GitAuth } from "../../remote/scripts.ts";

/** Does git reach it over ssh? `git@host:path` or `ssh://…` */
export function isSshUrl(url: string): boolean {
  return url.startsWith("ssh://") || (!url.includes("://") && /^[\w.-]+@[\w.-]+:/.test(url));
}

/** The way of the stack config; "" = upload for ssh, because the machine has no key there, and none for the rest. */
export function wayOf(gitAuth: GitAuth | "", url: string): GitAuth {
  return gitAuth || (isSshUrl(url) ? "upload" : "none");
}

/** "https://host:port" of an http URL. */
export function originOf(url: string): string {
  return /^https?:\/\/[^/]+/.exec(url)?.[0] ?? "";
}

/** As ssh takes it: host, and user and port where the URL has them. */
export function sshPlace(url: string): { host: string; user?: string; port?: string } {
  const [, user, host = "", port] =
    /^ssh:\/\/(?:([\w.-]+)@)?([\w.-]+)(?::(\d+))?\//.exec(url) ?? /^(?:([\w.-]+)@)([\w.-]+):/.exec(url) ?? [];
  return { host, ...(user === undefined ? {} : { user }), ...(port === undefined ? {} : { port }) };
}
