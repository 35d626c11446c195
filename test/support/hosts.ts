import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { type Host, type HostSpec, type Hosts, realHosts } from "../../simulator/hosts/index.ts";
import type { RealHostsOptions } from "../../simulator/hosts/real-hosts.ts";

const canHaveMachines = process.platform === "linux" && process.geteuid?.() === 0;

/** For tests with real machines. */
export const needsRoot = { skip: canHaveMachines ? false : "the simulator's machines need root on Linux" };

/** Removed after the test, and after what is to come before. */
export function temporaryFolder(t: TestContext, before: () => unknown = () => {}): string {
  const folder = mkdtempSync(join(tmpdir(), "hosts-"));
  t.after(async () => {
    await before();
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

export interface Scene {
  readonly folder: string;
  readonly home: string;
  readonly hosts: Hosts;
  /** A key that opens its machines. */
  readonly key: Key;
  /** A started machine, both of its ports open. */
  machine(spec?: Partial<HostSpec>): Promise<Host>;
}

/** Machines for one test; they end with it. */
export async function openScene(t: TestContext, options: Partial<RealHostsOptions> = {}): Promise<Scene> {
  const folder = temporaryFolder(t, () => hosts?.close());
  const home = join(folder, "hosts");
  let hosts: Hosts | undefined;
  hosts = await realHosts({ home, ...options });
  const key = makeKey(folder, "key");
  let id = 1000;
  return {
    folder,
    home,
    hosts,
    key,
    machine: async (spec = {}) => {
      id += 1;
      const host = await hosts.create(specOf({ id, authorizedKeys: [key.publicKey], ...spec }));
      await host.start();
      await open(host);
      return host;
    },
  };
}

/** sshd listens, and both ports lead to it. */
export async function open(host: Host): Promise<void> {
  await host.openSshd();
  await host.setLink("direct", "open");
  await host.setLink("proxy", "open");
}

export function specOf(spec: Partial<HostSpec>): HostSpec {
  return {
    id: 1,
    image: "pytorch/pytorch:2.6.0-cuda12.6-cudnn9-devel",
    imageLogin: null,
    gpuName: "H100 SXM",
    gpus: 1,
    gpuRamMb: 81_559,
    diskGb: 10,
    vm: false,
    env: {},
    onstart: "",
    runtype: "ssh_direc ssh_proxy",
    authorizedKeys: [],
    instanceApiKey: "instance-key",
    apiUrl: "http://127.0.0.1:1",
    label: null,
    publicIp: "127.0.0.1",
    ...spec,
  };
}

export interface Key {
  readonly file: string;
  readonly publicKey: string;
}

export function makeKey(folder: string, name: string): Key {
  const file = join(folder, name);
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", file]);
  return { file, publicKey: readFileSync(`${file}.pub`, "utf8").trim() };
}

/** Options of ssh, sftp and rsync's ssh, which differ only in how they spell the port. */
export function sshOptions(key: Key): string[] {
  const options = [
    "IdentitiesOnly=yes",
    "IdentityAgent=none",
    "BatchMode=yes",
    "StrictHostKeyChecking=no",
    "UserKnownHostsFile=/dev/null",
    "ProxyCommand=none",
    "LogLevel=ERROR",
  ];
  return ["-F", "none", "-i", key.file, ...options.flatMap((option) => ["-o", option])];
}

export interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program; an exit code that is not 0 is a result. */
export function run(program: string, words: string[], input = "", env = process.env): Promise<Result> {
  return new Promise((done) => {
    const child = execFile(program, words, { env }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
      done({ code, stdout, stderr });
    });
    child.stdin?.on("error", () => {}); // it may end without reading
    child.stdin?.end(input);
  });
}

/** Runs a command on a machine. */
export function ssh(port: number, key: Key, command: string, input = ""): Promise<Result> {
  return run("ssh", [...sshOptions(key), "-p", String(port), "root@127.0.0.1", command], input);
}

/** A command that must succeed; its stdout, trimmed. */
export async function on(host: Host, key: Key, command: string, input = ""): Promise<string> {
  const { code, stdout, stderr } = await ssh(host.directPort, key, command, input);
  if (code !== 0) throw new Error(`${command}: exit code ${code}\n${stdout}\n${stderr}`);
  return stdout.trim();
}
