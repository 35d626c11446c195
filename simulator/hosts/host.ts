import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { Container, SYSTEM_PATH } from "./container.ts";
import { containerLabel, contractEnv } from "./contract-env.ts";
import { Forward } from "./forward.ts";
import { type HeldPort, holdPort } from "./port.ts";
import { HOST_KEY } from "./sshd-config.ts";
import { MachineFiles, type StorageKind } from "./storage.ts";
import type { Host, HostSpec, Link, Traffic } from "./types.ts";

const run = promisify(execFile);

export interface HostPlace {
  /** The machine's own folder, which does not exist yet. */
  readonly folder: string;
  readonly storage: StorageKind;
  /** The topmost first. */
  readonly layers: string[];
  /** The PATH that its image sets. */
  readonly path: string;
  /** Socket of the Docker engine that it has. */
  readonly docker: string | undefined;
  /** Variables that say how the network is reached. */
  readonly network: Record<string, string>;
}

/** A machine of namespaces, with a real sshd. */
export class RealHost implements Host {
  readonly #spec: HostSpec;
  readonly #place: HostPlace;
  readonly #files: MachineFiles;
  readonly #sshd: HeldPort;
  readonly #links: Record<"direct" | "proxy", Forward>;
  #keys: string[];
  #container: Container | undefined;
  /** Set once in each life of the container. */
  #listening: Promise<void> | undefined;

  private constructor(
    spec: HostSpec,
    place: HostPlace,
    files: MachineFiles,
    sshd: HeldPort,
    links: Record<"direct" | "proxy", Forward>,
  ) {
    this.#spec = spec;
    this.#place = place;
    this.#files = files;
    this.#sshd = sshd;
    this.#links = links;
    this.#keys = spec.authorizedKeys;
  }

  static async create(spec: HostSpec, place: HostPlace): Promise<RealHost> {
    const [files, sshd] = await Promise.all([
      MachineFiles.create(place.folder, place.storage, place.layers),
      holdPort(),
    ]);
    if (place.docker !== undefined) symlinkSync(place.docker, join(place.folder, "docker.sock"));
    const [direct, proxy] = await Promise.all([
      Forward.to(sshd.number),
      Forward.to(sshd.number),
      writeOwnFiles(files, spec),
    ]);
    return new RealHost(spec, place, files, sshd, { direct, proxy });
  }

  get directPort(): number {
    return this.#links.direct.port;
  }

  get proxyPort(): number {
    return this.#links.proxy.port;
  }

  async start(): Promise<void> {
    await this.stop();
    this.#files.renew();
    const { path, network, folder } = this.#place;
    const container = new Container({
      files: this.#files,
      hostname: containerLabel(this.#spec),
      env: { PATH: path, HOME: "/root", ...network, ...contractEnv(this.#spec, this.#keys, this.directPort) },
      command: ["/bin/bash", "/.launch"],
      logFile: join(folder, "log"),
    });
    this.#container = container;
    await container.ask("");
    await this.authorize(this.#keys);
    await container.ask("onstart\n");
  }

  async openSshd(): Promise<void> {
    this.#listening ??= this.#container?.ask(`sshd ${this.#sshd.number}\n`);
    await this.#listening;
  }

  setLink(which: "direct" | "proxy", link: Link): Promise<void> {
    return this.#links[which].set(link);
  }

  async cut(): Promise<void> {
    for (const link of Object.values(this.#links)) link.cut();
  }

  async loseGpus(): Promise<void> {
    await this.#container?.ask("lose gpus\n");
  }

  get traffic(): Traffic {
    const { direct, proxy } = this.#links;
    return {
      get down() {
        return direct.traffic.down + proxy.traffic.down;
      },
      get up() {
        return direct.traffic.up + proxy.traffic.up;
      },
    };
  }

  async authorize(keys: string[]): Promise<void> {
    this.#keys = keys;
    const lines = keys.map((key) => `${key.replaceAll(/\s+/g, " ").trim()}\n`);
    await this.#container?.ask(`keys ${lines.length}\n${lines.join("")}`);
  }

  /** Moves the direct port only: the other one belongs to the relay. */
  rerollPorts(): Promise<void> {
    return this.#links.direct.move();
  }

  async logs(tail: number): Promise<string> {
    const file = join(this.#place.folder, "log");
    if (!existsSync(file)) return "";
    const lines = readFileSync(file, "utf8").split("\n");
    if (lines.at(-1) === "") lines.pop(); // after the last newline
    return lines
      .slice(Math.max(lines.length - tail, 0))
      .map((line) => `${line}\n`)
      .join("");
  }

  async stop(): Promise<void> {
    const container = this.#container;
    this.#container = undefined;
    this.#listening = undefined;
    await Promise.all([this.setLink("direct", "closed"), this.setLink("proxy", "closed"), container?.end()]);
  }

  async destroy(): Promise<void> {
    await this.stop();
    const { direct, proxy } = this.#links;
    await Promise.all([direct.end(), proxy.end(), this.#sshd.release()]);
    await rm(this.#place.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function writeOwnFiles(files: MachineFiles, spec: HostSpec): Promise<void> {
  files.ownFolder("etc/ssh");
  files.ownFolder("root", 0o700);
  const write = (path: string, text: string, mode: number) => {
    writeFileSync(files.own(path), text, { mode });
    chmodSync(files.own(path), mode);
  };
  write("root/onstart.sh", spec.onstart, 0o700);
  write("root/.vast_api_key", `${spec.instanceApiKey}\n`, 0o600);
  write("root/.vast_containerlabel", `${containerLabel(spec)}\n`, 0o644);
  write("etc/hostname", `${containerLabel(spec)}\n`, 0o644);
  write("etc/gpus", gpuLines(spec), 0o644);
  const keygen = ["-q", "-t", "ed25519", "-N", "", "-C", containerLabel(spec), "-f", files.own(HOST_KEY)];
  await run("ssh-keygen", keygen, { env: { PATH: SYSTEM_PATH } });
}

/** What nvidia-smi reads. */
function gpuLines({ id, gpus, gpuName, gpuRamMb }: HostSpec): string {
  const lines = Array.from({ length: gpus }, (_, index) => {
    const digits = createHash("sha256").update(`${id}/${index}`).digest("hex");
    const uuid = digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, "GPU-$1-$2-$3-$4-$5");
    return `${index},NVIDIA ${gpuName},${gpuRamMb},${uuid}\n`;
  });
  return lines.join("");
}
