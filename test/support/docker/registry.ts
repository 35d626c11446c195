import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startDaemon } from "./daemon.ts";

/** A real registry of our own on loopback, plain HTTP. */
export interface Registry {
  /** host:port, as the first part of an image's name. */
  readonly address: string;
  readonly port: number;
  /** The one login; undefined where everybody may read and write. */
  readonly login: Login | undefined;
  close(): Promise<void>;
}

export interface Login {
  username: string;
  password: string;
}

/** False, or why no registry can run here. */
export function noRegistry(): false | string {
  try {
    for (const name of ["docker-registry", "perl"]) execFileSync("which", [name], { stdio: "pipe" });
    return false;
  } catch {
    return "skipped: no registry: docker-registry is not installed";
  }
}

/** @param folder empty; everything the registry keeps is in there */
export async function startRegistry(folder: string, login: Login | undefined): Promise<Registry> {
  mkdirSync(folder);
  if (login) writeFileSync(join(folder, "htpasswd"), `${login.username}:${bcrypt(login.password)}\n`, { mode: 0o600 });
  const file = join(folder, "config.json");
  writeFileSync(file, JSON.stringify(settings(folder, login !== undefined))); // the registry reads YAML, and JSON is some
  const daemon = startDaemon("docker-registry", ["serve", file]);
  const [, port] = await daemon.says(/listening on 127\.0\.0\.1:(\d+)\D/);
  return { address: `127.0.0.1:${port}`, port: Number(port), login, close: () => daemon.end() };
}

function settings(folder: string, login: boolean): object {
  return {
    version: 0.1,
    log: { level: "info", accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(folder, "data") }, delete: { enabled: true } },
    http: { addr: "127.0.0.1:0", secret: randomBytes(16).toString("hex") },
    ...(login ? { auth: { htpasswd: { realm: "test", path: join(folder, "htpasswd") } } } : {}),
  };
}

/** The only hash that docker-registry takes. Perl is on every Debian, and its crypt() is the system's. */
function bcrypt(password: string): string {
  const letters = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  const salt = [...randomBytes(21)].map((byte) => letters[byte % letters.length]).join("");
  const words = ["-e", "chomp(my $word = <STDIN>); print crypt($word, $ARGV[0])", `$2y$04$${salt}.`];
  const hash = execFileSync("perl", words, { input: `${password}\n`, encoding: "utf8" });
  if (!hash.startsWith("$2y$"))
    throw new Error("This system's crypt() knows no bcrypt, so the registry gets no login.");
  return hash;
}
