import { execFileSync, type SpawnOptions, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { holdPort } from "../../../simulator/hosts/port.ts";

/** A real sshd of our own on a free port of this machine; it lets in one key, as the user who runs the tests. */
export interface LocalSshd {
  readonly folder: string;
  readonly port: number;
  readonly user: string;
  /** The key that opens it. */
  readonly privateKey: string;
  /** "type base64" */
  readonly hostKey: string;
  /** Resolves when it listens. */
  start(): Promise<void>;
  /** Like start(), but not before somebody has dialled in vain. */
  startAfterFirstDial(): Promise<void>;
  stop(): Promise<void>;
  /** Stops it and removes its folder. */
  close(): Promise<void>;
}

const binary = "/usr/sbin/sshd";

export const noSshd = existsSync(binary) ? false : "needs openssh-server";

/** @param variables what a login finds in its environment */
export async function localSshd(variables: Record<string, string> = {}): Promise<LocalSshd> {
  const folder = mkdtempSync(join(tmpdir(), "vast-sshd-"));
  const { number: port, release } = await holdPort();
  for (const name of ["host", "user"]) {
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", join(folder, name)]);
  }
  const config = join(folder, "sshd_config");
  // Without a HOME of its own bash reads the ~/.bashrc of whoever runs the tests.
  writeFileSync(config, settings(folder, port, { HOME: folder, ...variables }));
  let stop = async () => {};
  const start = async () => {
    stop = await startSshd(config);
  };
  return {
    folder,
    port,
    user: userInfo().username,
    privateKey: readFileSync(join(folder, "user"), "utf8"),
    hostKey: publicKey(join(folder, "host.pub")),
    start,
    startAfterFirstDial: async () => {
      await firstDial(port);
      await start();
    },
    stop: () => stop(),
    close: async () => {
      await stop();
      await release();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function settings(folder: string, port: number, variables: Record<string, string>): string {
  const pairs = Object.entries(variables)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
  return [
    `Port ${port}`,
    "ListenAddress 127.0.0.1",
    `HostKey ${folder}/host`,
    `AuthorizedKeysFile ${folder}/user.pub`,
    "PidFile none",
    "UsePAM no",
    "StrictModes no",
    "PermitRootLogin yes",
    "PasswordAuthentication no",
    "AcceptEnv COLOUR",
    `SetEnv ${pairs}`,
    "",
  ].join("\n");
}

export function publicKey(file: string): string {
  return readFileSync(file, "utf8").split(" ").slice(0, 2).join(" ");
}

/** sshd of root wants /run/sshd; where no service has made it, it gets one in a mount namespace of its own. */
async function startSshd(config: string): Promise<() => Promise<void>> {
  const words = [binary, "-D", "-e", "-f", config];
  const own = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs none /run && mkdir /run/sshd && exec "$@"', "sh", ...words];
  const [file, ...args] = process.getuid?.() !== 0 || existsSync("/run/sshd") ? words : own;
  const options: SpawnOptions = { stdio: ["ignore", "ignore", "pipe"] };
  const child = spawn(file ?? binary, args, options);
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  let log = "";
  await new Promise<void>((resolve, reject) => {
    child.once("close", () => reject(new Error(`sshd ended: ${log}`)));
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      log += text;
      if (/Server listening/.test(log)) resolve();
    });
  });
  return async () => {
    child.kill("SIGTERM");
    await ended;
  };
}

async function firstDial(port: number): Promise<void> {
  const server = createServer().listen(port, "127.0.0.1");
  await new Promise<void>((resolve) =>
    server.once("connection", (socket) => {
      socket.destroy();
      resolve();
    }),
  );
  await new Promise((resolve) => server.close(resolve));
}
