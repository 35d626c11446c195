import { isLoopback } from "../lib/loopback.ts";

/** How a registry wants a login: the header WWW-Authenticate. */
export type Challenge =
  | { readonly scheme: "basic" }
  | { readonly scheme: "bearer"; readonly realm: string; readonly service: string | undefined };

/** The first known scheme; undefined = there is none. */
export function readChallenge(header: string | undefined): Challenge | undefined {
  const found = /(?:^|,\s*)(Bearer|Basic)(?=\s|,|$)\s*(.*)$/i.exec(header ?? "");
  if (!found) return undefined;
  if (found[1]?.toLowerCase() === "basic") return { scheme: "basic" };
  const values = new Map<string, string>();
  for (const [, name = "", quoted, bare] of (found[2] ?? "").matchAll(/([a-z_]+)=(?:"([^"]*)"|([^\s,"]+))/gi)) {
    values.set(name.toLowerCase(), quoted ?? bare ?? "");
  }
  const realm = values.get("realm");
  return realm === undefined ? undefined : { scheme: "bearer", realm, service: values.get("service") };
}

/** Where a registry sends its users for a token; undefined = not a safe place to send a login to. */
export function realmOf(realm: string, registry: URL): URL | undefined {
  if (!URL.canParse(realm)) return undefined;
  const url = new URL(realm);
  if (url.username !== "" || url.password !== "") return undefined;
  // Docker Hub's own login stays with Docker Hub.
  if (registry.hostname.endsWith(".docker.io") && !url.hostname.endsWith(".docker.io")) return undefined;
  if (isLoopback(url.hostname))
    return isLoopback(registry.hostname) && /^https?:$/.test(url.protocol) ? url : undefined;
  return url.protocol === "https:" ? url : undefined;
}
