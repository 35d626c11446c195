import { baseIn, imageOf } from "./images.ts";
import type { Host, Hosts, Link } from "./types.ts";

/** Above the ports that systems hand out: nothing answers there. */
const FIRST_PORT = 61_001;

/** A machine that does not exist, and remembers what was done to it. */
export interface NoHost extends Host {
  /** sshd would answer. */
  readonly listens: boolean;
  readonly links: Readonly<Record<"direct" | "proxy", Link>>;
  /** Public keys that would be let in. */
  readonly keys: readonly string[];
  readonly hasGpus: boolean;
}

/** Machines that do not exist: every step succeeds at once, and nothing answers on their ports. */
export function noHosts(): Hosts {
  let port = FIRST_PORT;
  return {
    image: (ref) => {
      if (ref.startsWith("unknown/"))
        return { ok: false, statusMsg: `Error response from daemon: manifest for ${ref} not found: manifest unknown` };
      const { base } = baseIn(imageOf(ref) ?? {});
      return base === undefined ? { ok: true, compressedMb: 5000 } : { ok: true, compressedMb: 5400, base };
    },
    create: async () => noHost(() => port++),
    close: async () => {},
  };
}

function noHost(nextPort: () => number): NoHost {
  let ports = { direct: nextPort(), proxy: nextPort() };
  let listens = false;
  let hasGpus = true;
  let keys: readonly string[] = [];
  const links: Record<"direct" | "proxy", Link> = { direct: "closed", proxy: "closed" };
  const stop = async () => {
    listens = false;
    Object.assign(links, { direct: "closed", proxy: "closed" });
  };
  return {
    links,
    traffic: { down: 0, up: 0 },
    get listens() {
      return listens;
    },
    get keys() {
      return keys;
    },
    get hasGpus() {
      return hasGpus;
    },
    get directPort() {
      return ports.direct;
    },
    get proxyPort() {
      return ports.proxy;
    },
    start: async () => {},
    openSshd: async () => {
      listens = true;
    },
    setLink: async (which, link) => {
      links[which] = link;
    },
    authorize: async (allowed) => {
      keys = allowed;
    },
    cut: async () => {},
    loseGpus: async () => {
      hasGpus = false;
    },
    rerollPorts: async () => {
      ports = { direct: nextPort(), proxy: ports.proxy };
    },
    logs: async () => "",
    stop,
    destroy: stop,
  };
}
