import { isIP } from "node:net";

/** A place where the sshd of an instance may answer. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly via: "direct" | "proxy";
}

/** Strict, because it ends up in argv: no option, no user name, no shell. */
export function isHost(text: string): boolean {
  if (isIP(text) !== 0) return !text.includes("%");
  return (
    text.length <= 253 && /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i.test(text)
  );
}
