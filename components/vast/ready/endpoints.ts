import { type Endpoint, isHost } from "../../ssh/endpoint.ts";
import type { Instance } from "../client/wire.ts";

export interface Endpoints {
  /** The machine's own address. */
  readonly direct?: Endpoint;
  /** Vast's relay. */
  readonly proxy?: Endpoint;
}

/**
 * The endpoints of sshd that Vast has published and that are well formed. They change when an instance restarts, so
 * never keep them.
 */
export function endpoints(instance: Instance): Endpoints {
  const direct = endpoint("direct", instance.publicIp, instance.directPort);
  const proxy = endpoint("proxy", instance.proxyHost, proxyPort(instance));
  return { ...(direct === undefined ? {} : { direct }), ...(proxy === undefined ? {} : { proxy }) };
}

/** As Vast's own client does: one more where a notebook was asked for. */
function proxyPort({ proxyPort, runtype }: Instance): number | null {
  return proxyPort !== null && runtype.includes("jupyter") ? proxyPort + 1 : proxyPort;
}

function endpoint(via: Endpoint["via"], address: string | null, port: number | null): Endpoint | undefined {
  const host = address?.trim() ?? "";
  if (!isHost(host) || port === null || !Number.isInteger(port) || port < 1 || port > 65535) return undefined;
  return { host, port, via };
}
