import type { Host, HostSpec, Hosts, Link } from "../hosts/types.ts";
import { type Contract, waysIn } from "./contract.ts";

/** What is done to the machine behind a contract: one thing after the other, each in the contract's `work`. */
export class HostWork {
  readonly #hosts: Hosts;
  readonly #apiUrl: () => string;
  readonly #log: (line: string) => void;

  constructor(hosts: Hosts, apiUrl: () => string, log: (line: string) => void) {
    this.#hosts = hosts;
    this.#apiUrl = apiUrl;
    this.#log = log;
  }

  /** Makes the machine, unless it is there. */
  prepare(contract: Contract): void {
    if (contract.host !== undefined) return;
    const spec = specOf(contract, this.#apiUrl());
    // Waits until the previous machine is removed: both have the same id.
    contract.host = contract.work.then(() => this.#hosts.create(spec));
    this.#quietly(contract, async (host) => {
      contract.traffic.push(host.traffic);
      noteEndpoints(contract, host);
    });
  }

  /** Resolves when it has started, or with what went wrong. */
  async start(contract: Contract): Promise<string | undefined> {
    this.prepare(contract);
    let failure: string | undefined;
    await this.#do(contract, async (host) => {
      await host.start();
      await host.authorize(contract.keys.map(({ publicKey }) => publicKey));
      noteEndpoints(contract, host);
    }).catch((error) => {
      failure = messageOf(error);
    });
    return failure;
  }

  openDirect(contract: Contract): Promise<void> {
    const link = contract.plan.directLink ?? "open";
    const { direct } = waysIn(contract.order);
    return this.#quietly(contract, async (host) => {
      await host.openSshd();
      if (direct) await host.setLink("direct", link);
    });
  }

  openProxy(contract: Contract): Promise<void> {
    if (!waysIn(contract.order).proxy) return Promise.resolve();
    return this.link(contract, "proxy", contract.plan.proxyLink ?? "open");
  }

  /** Makes ports that are to be dead so from the start. */
  breakLinks(contract: Contract): void {
    const { directLink, proxyLink } = contract.plan;
    if (directLink !== undefined) this.link(contract, "direct", directLink);
    if (proxyLink !== undefined) this.link(contract, "proxy", proxyLink);
  }

  link(contract: Contract, which: "direct" | "proxy", link: Link): Promise<void> {
    return this.#quietly(contract, (host) => host.setLink(which, link));
  }

  authorize(contract: Contract): Promise<void> {
    const keys = contract.keys.map(({ publicKey }) => publicKey);
    return this.#quietly(contract, (host) => host.authorize(keys));
  }

  /** The launcher's own list lacks our keys. */
  clobberKeys(contract: Contract): Promise<void> {
    return this.#quietly(contract, (host) => host.authorize([]));
  }

  /** Open connections are cut; new ones come through. */
  cut(contract: Contract): void {
    this.#quietly(contract, (host) => host.cut());
  }

  loseGpus(contract: Contract): void {
    this.#quietly(contract, (host) => host.loseGpus());
  }

  reroll(contract: Contract): void {
    this.#quietly(contract, async (host) => {
      await host.rerollPorts();
      noteEndpoints(contract, host);
    });
  }

  stop(contract: Contract): void {
    this.#quietly(contract, (host) => host.stop());
  }

  destroy(contract: Contract): void {
    this.#quietly(contract, (host) => host.destroy());
    contract.host = undefined;
    contract.endpoints = undefined;
  }

  async logs(contract: Contract, tail: number): Promise<string> {
    const host = await contract.host?.catch(() => undefined);
    return (await host?.logs(tail)) ?? "";
  }

  /** Runs an errand in its turn, if there is a machine. An error is logged and stops nothing. */
  #quietly(contract: Contract, errand: (host: Host) => Promise<void>): Promise<void> {
    return this.#do(contract, errand).catch((error) => {
      this.#log(`instance ${contract.id}: the machine behind it failed: ${messageOf(error)}`);
    });
  }

  #do(contract: Contract, errand: (host: Host) => Promise<void>): Promise<void> {
    const { host } = contract;
    if (host === undefined) return Promise.resolve();
    const done = contract.work.then(async () => errand(await host));
    contract.work = done.catch(() => {});
    return done;
  }
}

function noteEndpoints(contract: Contract, host: Host): void {
  contract.endpoints = { direct: host.directPort, proxy: host.proxyPort };
}

function specOf(contract: Contract, apiUrl: string): HostSpec {
  const { order, offer } = contract;
  return {
    id: contract.id,
    image: order.image,
    imageLogin: order.imageLogin ?? null,
    gpuName: offer.machine.gpu.name,
    gpus: offer.ask.gpus,
    gpuRamMb: offer.machine.gpu.ramMb,
    diskGb: order.diskGb,
    vm: order.vm,
    // Keys that begin with a dash are options of docker's, not variables.
    env: Object.fromEntries(Object.entries(order.env).filter(([name]) => !name.startsWith("-"))),
    onstart: (contract.plan.noise ? NOISE : "") + (order.onstart ?? ""),
    runtype: order.runtype,
    authorizedKeys: contract.keys.map(({ publicKey }) => publicKey),
    instanceApiKey: contract.apiKey,
    apiUrl,
    label: contract.label,
    publicIp: "127.0.0.1",
  };
}

/** A greeting on both streams, one line of which looks like an answer. */
const NOISE = `printf '%s\\n' 'echo "Welcome to vast.ai. Have fun!"; echo "login-1"; echo "If authentication fails, try again" >&2' >/root/.bashrc
`;

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
