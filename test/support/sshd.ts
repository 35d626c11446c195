import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { openStateDir, type StateDir } from "../../components/lib/state-dir.ts";
import { ownSshKey, type SshKey } from "../../components/ssh/ssh-key.ts";
import { holdPort } from "../../simulator/hosts/port.ts";

/** These tests log in as root, as one does on a rented machine. */
export const needsRoot = process.getuid?.() === 0 ? {} : { skip: "logs in as root" };

export interface Home {
  readonly path: string;
  readonly dir: StateDir;
  readonly key: SshKey;
}

/** A state directory of its own with a key. */
export function temporaryHome(t: TestContext): Home {
  const path = mkdtempSync(join(tmpdir(), "vast ssh-test-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  const dir = openStateDir({ VAST_TRAINING_HOME: join(path, "state") });
  return { path, dir, key: ownSshKey(dir, "") };
}

export interface Sshd {
  readonly port: number;
  /** `type base64` */
  readonly hostKey: string;
  /** What it has logged so far. */
  log(): string;
}

/** A real sshd on a free port that lets this key in; `more` of its options. */
export async function sshd(
  t: TestContext,
  authorized: string,
  more: Readonly<Record<string, string>> = {},
): Promise<Sshd> {
  const dir = mkdtempSync(join(tmpdir(), "sshd-test-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const file = (name: string) => join(dir, name);
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", file("host")]);
  writeFileSync(file("keys"), `${authorized}\n`, { mode: 0o600 });
  // Debian's sshd wants this directory; its service makes it.
  mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });
  const { number: port, release } = await holdPort();
  t.after(release);
  const options = {
    ListenAddress: `127.0.0.1:${port}`,
    HostKey: file("host"),
    AuthorizedKeysFile: file("keys"),
    PidFile: "none",
    UsePAM: "no",
    StrictModes: "no",
    PasswordAuthentication: "no",
    KbdInteractiveAuthentication: "no",
    PermitRootLogin: "prohibit-password",
    // What OpenSSH 9 prefers takes ssh a tenth of a second of processor time for each login. Machines of the simulator
    // have it.
    KexAlgorithms: "curve25519-sha256",
    // Without it bash reads the ~/.bashrc of whoever runs the tests, which may start dozens of programs.
    SetEnv: `HOME=${dir}`,
    ...more,
  };
  const args = Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  const daemon = spawn("/usr/sbin/sshd", ["-D", "-e", "-f", "/dev/null", ...args], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  t.after(() => ended(daemon));
  const log = await listening(daemon);
  const [type, key] = readFileSync(file("host.pub"), "utf8").split(" ");
  return { port, hostKey: `${type} ${key?.trim()}`, log };
}

/** What it logs, from now on too. */
async function listening(daemon: ChildProcess): Promise<() => string> {
  let said = "";
  const listens = new Promise<boolean>((resolve) => {
    daemon.stderr?.on("data", (chunk) => {
      said += chunk;
      if (said.includes("Server listening")) resolve(true);
    });
    daemon.stderr?.once("end", () => resolve(false));
  });
  if (!(await listens)) throw new Error(`sshd did not start: ${said}`);
  // A connection that a test's process keeps to its end must not keep the process.
  (daemon.stderr as Socket).unref();
  return () => said;
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill();
  await once(child, "exit");
}

/** A port on which nothing listens, nor will as long as this process lives: no other test gets its number. */
export async function freePort(): Promise<number> {
  return (await holdPort()).number;
}

/** A port that does this with every connection. */
export async function portThat(t: TestContext, connected: (socket: Socket) => void): Promise<number> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket.on("error", () => {}));
    connected(socket);
  });
  t.after(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return listen(server);
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return (server.address() as AddressInfo).port;
}
