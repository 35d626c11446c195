import { existsSync, mkdirSync, readFileSync, realpathSync } from "node:fs";
import { dirname } from "node:path";
import { writeWhole } from "../../components/lib/draft.ts";
import { runProgramNow } from "../../components/programs/program.ts";

/** How the user's own ssh, with the user's own config, would check the host key of `ssh -p PORT root@HOST`. */
export interface PlainSsh {
  /** Does it refuse or ask when it does not know the key? */
  readonly strict: boolean;
  /** The file in which it notes host keys; undefined when the config names none. */
  readonly knownHostsFile: string | undefined;
  /** The name under which it looks for the key. */
  readonly hostName: string;
}

/** Asks ssh itself, because the config files may say anything. */
export function plainSsh(host: string, port: number): PlainSsh {
  const { code, stdout, stderr } = runProgramNow(["ssh", "-G", "-T", "-p", String(port), `root@${host}`]);
  if (code !== 0) throw new Error(`ssh -G fails: ${stderr.trim()}`);
  return readSettings(stdout);
}

/** Reads what `ssh -G` prints. */
export function readSettings(text: string): PlainSsh {
  const settings = new Map(text.split("\n").map((line) => [line.split(" ")[0], line.split(" ").slice(1)]));
  const word = (name: string) => settings.get(name)?.[0];
  const file = word("userknownhostsfile");
  const port = word("port") ?? "22";
  const host = word("hostname") ?? "";
  return {
    strict: !["accept-new", "no", "off", "false"].includes(word("stricthostkeychecking") ?? "ask"),
    knownHostsFile: file === "none" || file === "/dev/null" ? undefined : file,
    hostName: word("hostkeyalias") ?? (port === "22" ? host : `[${host}]:${port}`),
  };
}

export type Noted = "known" | "noted" | "conflict";

/**
 * Writes a host key that we have pinned into the user's known_hosts, as ssh does after a "yes". Replaces only a line
 * that we wrote for an earlier machine at the same address; a different line of the user's is kept.
 */
export function noteHostKey(file: string, hostName: string, hostKey: string): Noted {
  const lines = existsSync(file) ? readFileSync(file, "utf8").split("\n") : [];
  const [type = ""] = hostKey.split(" ");
  const found = linesAbout(file, hostName).filter((line) => line.includes(` ${type} `));
  if (found.some((line) => line.includes(` ${hostKey}`))) return "known";
  if (found.some((line) => !isOurs(line))) return "conflict";
  const kept = lines.filter((line) => line !== "" && !(isOurs(line) && line.startsWith(`${hostName} `)));
  replace(file, [...kept, `${hostName} ${hostKey} ${mark}`, ""].join("\n"));
  return "noted";
}

const mark = "vast-training";

function isOurs(line: string): boolean {
  return line.endsWith(` ${mark}`);
}

/** Asks ssh-keygen, because names in the file may be hashed. */
function linesAbout(file: string, hostName: string): string[] {
  if (!existsSync(file)) return [];
  // If there is no line, ssh-keygen fails and prints nothing.
  const { stdout } = runProgramNow(["ssh-keygen", "-F", hostName, "-f", file]);
  return stdout.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}

function replace(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeWhole(existsSync(file) ? realpathSync(file) : file, text);
}
