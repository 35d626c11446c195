import type { Host, Hosts } from "./hosts/types.ts";

/** Above the ports that systems hand out: nothing answers there. */
const FIRST_PORT = 61_001;

/** Machines that are none: every step succeeds at once, and their ports answer nothing. */
export function noHosts(): Hosts {
  let port = FIRST_PORT;
  return {
    image: (ref) =>
      ref.startsWith("unknown/")
        ? { ok: false, statusMsg: `Error response from daemon: manifest for ${ref} not found: manifest unknown` }
        : { ok: true, compressedMb: 5000 },
    create: async () => noHost(() => port++),
    close: async () => {},
  };
}

function noHost(nextPort: () => number): Host {
  let ports = { direct: nextPort(), proxy: nextPort() };
  const nothing = async () => {};
  return {
    get directPort() {
      return ports.direct;
    },
    get proxyPort() {
      return ports.proxy;
    },
    start: nothing,
    openSshd: nothing,
    setLink: nothing,
    authorize: nothing,
    rerollPorts: async () => {
      ports = { direct: nextPort(), proxy: ports.proxy };
    },
    logs: async () => "",
    stop: nothing,
    destroy: nothing,
  };
}
