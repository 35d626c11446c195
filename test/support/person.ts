import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

/** Somebody at a login node: a home, a key, and an agent that holds it. */
export interface Person {
  readonly home: string;
  /** HOME and SSH_AUTH_SOCK. */
  readonly env: NodeJS.ProcessEnv;
  /** The words that run a bash script as this person. */
  shell(script: string): [string, string[]];
}

export async function openPerson(t: TestContext): Promise<Person> {
  const folder = mkdtempSync(join(tmpdir(), "vast-person-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const home = join(folder, "home");
  mkdirSync(join(home, ".ssh"), { recursive: true, mode: 0o700 });
  const socket = join(folder, "agent");
  await startAgent(t, socket);
  const env = { HOME: home, SSH_AUTH_SOCK: socket };
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "person", "-f", join(folder, "key")]);
  execFileSync("ssh-add", ["-q", join(folder, "key")], { env: { ...process.env, ...env }, stdio: "pipe" });
  // ssh finds ~ in the user database and not in HOME, so the person gets a user database in a mount namespace.
  const passwd = join(folder, "passwd");
  writeFileSync(passwd, readFileSync("/etc/passwd", "utf8").replace(/^(root:.*:)[^:]*(:[^:]*)$/m, `$1${home}$2`));
  const enter = `mount --bind ${passwd} /etc/passwd && exec bash --norc -c "$1"`;
  return { home, env, shell: (script) => ["unshare", ["--mount", "sh", "-c", enter, "sh", script]] };
}

async function startAgent(t: TestContext, socket: string): Promise<void> {
  const agent = spawn("ssh-agent", ["-D", "-a", socket], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => agent.kill());
  await new Promise((resolve) => agent.stdout.once("data", resolve)); // it says where it listens when it does
}
