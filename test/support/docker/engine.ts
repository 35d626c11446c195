import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { asProxy, type Bridge, openBridge, toPort } from "./bridge.ts";
import { cgroupName, removeAbandonedCgroups, removeCgroups } from "./cgroups.ts";
import { type Daemon, startDaemon } from "./daemon.ts";

/** A real Docker engine of our own, in namespaces that take everything it makes away with it. */
export interface Engine {
  /** What DOCKER_HOST says. */
  readonly host: string;
  /** What HTTPS_PROXY and http_proxy say inside a build: the way to this machine's network. */
  readonly proxy: string;
  close(): Promise<void>;
}

const gateway = "172.17.0.1";
const proxyPort = 3128;

/**
 * The engine's bridge is in a network namespace without a way out, so that this machine's network is not touched; ports
 * of this machine's loopback that the engine is to reach (a registry's) are led in by name.
 * @param folder empty and short: a path of a socket has room for 108 bytes
 */
export async function startEngine(folder: string, ports: readonly number[]): Promise<Engine> {
  mkdirSync(folder);
  removeAbandonedCgroups();
  const parent = cgroupName();
  const closers: (() => Promise<void> | void)[] = [() => removeCgroups(parent)];
  const close = async () => {
    for (const end of closers.splice(0).reverse()) await end();
  };
  try {
    const daemon = startDocker(folder, parent);
    closers.push(() => endAll(daemon));
    await daemon.says(/API listen on/);
    for (const end of await leadIn(folder, childOf(daemon.pid) ?? daemon.pid, ports)) closers.push(end);
  } catch (error) {
    await close();
    throw error;
  }
  return { host: `unix://${join(folder, "docker.sock")}`, proxy: `http://${gateway}:${proxyPort}`, close };
}

/** As process 1 of its namespaces: when it ends, so does everything that it has started, and no mount stays. */
function startDocker(folder: string, cgroupParent: string): Daemon {
  writeFileSync(join(folder, "daemon.json"), "{}"); // not this machine's
  const words = [
    ...["--data-root", join(folder, "data"), "--exec-root", join(folder, "exec")],
    ...["--pidfile", join(folder, "pid"), "--config-file", join(folder, "daemon.json")],
    ...["--host", `unix://${join(folder, "docker.sock")}`, "--bip", `${gateway}/16`],
    ...["--iptables=false", "--ip6tables=false", "--ip-masq=false"],
    ...["--cgroup-parent", `/${cgroupParent}`, "--exec-opt", "native.cgroupdriver=cgroupfs"],
  ];
  const script = 'ip link set lo up && exec dockerd "$@"';
  const own = ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--net", "sh", "-c", script, "sh"];
  // Where a slow start makes containerd leave what it was doing.
  return startDaemon("unshare", [...own, ...words], { env: { ...withSbin(), TMPDIR: folder } });
}

/** The kernel ends a namespace's processes before its first one counts as ended, so nothing holds a control group then. */
async function endAll(daemon: Daemon): Promise<void> {
  const dockerd = childOf(daemon.pid);
  if (dockerd !== undefined) process.kill(dockerd, "SIGKILL");
  await daemon.end();
}

/** unshare passes no signal on: dockerd is its child. */
function childOf(pid: number): number | undefined {
  try {
    return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ")[0]) || undefined;
  } catch {
    return undefined; // it has ended
  }
}

async function leadIn(folder: string, pid: number, ports: readonly number[]): Promise<(() => Promise<void>)[]> {
  const bridges: Bridge[] = [await openBridge(join(folder, "proxy"), asProxy)];
  const words = [gateway, `${proxyPort}`, join(folder, "proxy")];
  for (const port of ports) {
    const path = join(folder, `${port}`);
    bridges.push(await openBridge(path, toPort(port)));
    words.push("127.0.0.1", `${port}`, path);
  }
  const script = join(import.meta.dirname, "relay.ts");
  const relay = startDaemon("nsenter", [`--net=/proc/${pid}/ns/net`, process.execPath, script, ...words]);
  await relay.says(/ready/);
  return [...bridges.map((bridge) => bridge.close), relay.end];
}

function withSbin(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
}

/** False, or why no engine can run here: tried without starting one. */
export function noEngine(): false | string {
  const trial = [
    "for program in dockerd docker docker-registry ip nsenter perl; do",
    '  command -v $program >/dev/null || { echo "$program is not installed"; exit 1; }',
    "done",
    "mount -t tmpfs trial /mnt && ip link add trial0 type bridge && ip link add trial1 type veth peer name trial2",
  ];
  const words = ["--mount", "--pid", "--fork", "--net", "sh", "-c", trial.join("\n")];
  try {
    execFileSync("unshare", words, { env: withSbin(), encoding: "utf8", stdio: "pipe" });
    return false;
  } catch (error) {
    const { stdout, stderr, message } = error as { stdout?: string; stderr?: string; message: string };
    return `skipped: no Docker engine: ${(stdout || stderr || message).trim().split("\n").at(-1)}`;
  }
}
