import type { LoginFailure, probe } from "../../components/ssh/probe.ts";
import type { VastClient } from "../../components/vast/client/client.ts";
import { noAnswer, type Transport, timeoutOf } from "../../components/vast/client/transport.ts";
import { liveEndpoint } from "../../components/vast/ready/live-endpoint.ts";
import type { Logins, Means } from "../../components/vast/ready/means.ts";
import type { NoHost } from "../../simulator/hosts/no-hosts.ts";
import { type Fault, ledger } from "../../simulator/index.ts";
import { hostKey, NO_TRACES, REPORT } from "../support/means.ts";
import { request } from "../support/request.ts";
import { Scene } from "../support/scene.ts";
import { sharedTime } from "../support/time.ts";

/** A scene in which all takes its time: answers, logins, and machines that are as slow as the real platform's. */
export class SlowScene extends Scene {
  readonly means: Means;
  /** Rentals that left. */
  rentals = 0;
  /** $/h, the most that all machines cost at a time. */
  dearest = 0;

  constructor(faults: readonly Fault[] = []) {
    // The answer to a rental is at once: what it takes is no fault's doing.
    super({ time: sharedTime(), timeFactor: 1, timings: { rent: 0 } });
    this.world.faults.add(...faults);
    const client = this.client();
    this.means = this.meansOf(client, { logins: this.#logins(client) });
  }

  /** The patience of the real one. */
  override transport: Transport = async (_url, _key, request) => {
    const { call } = request;
    if (call.rents) this.rentals += 1;
    const answered = new AbortController();
    const late = this.clock.sleep(timeoutOf(call), answered.signal).then(() => undefined);
    const sent = await Promise.race([late, this.exchange(request)]);
    answered.abort();
    this.dearest = Math.max(this.dearest, ledger(this.world).ratePerHour);
    if (sent === undefined) throw noAnswer(call, this.api.url, "ERR_CANCELED");
    return this.arrived(call, sent);
  };

  #logins(client: VastClient): Logins {
    const { now, sleep } = this.clock;
    return {
      login: (instanceId, { deadline, signal, onAttempt }) =>
        liveEndpoint(
          client,
          { instanceId, key: { privateKeyFile: "", knownHostsFile: "" }, firstUse: true },
          {
            deadline,
            signal,
            now,
            sleep,
            probe: this.#probe,
            onAttempt: (result) => {
              if (!result.ok) onAttempt?.(result.reason, result.endpoint.via);
            },
          },
        ),
      isSetUp: async (instanceId) => {
        await sleep(1000);
        const host = await this.#machine(instanceId);
        if (host === undefined) return false;
        const gpus = host.hasGpus ? { gpus: 1, said: "GPU 0: NVIDIA H100" } : { gpus: 0, said: "GPU is lost" };
        return { gpus, hasFuse: true };
      },
      report: async () => REPORT,
      traces: async () => NO_TRACES,
    };
  }

  /** What ssh would be told by the machine behind an endpoint. */
  #probe: typeof probe = async (endpoint, { instanceId }) => {
    const contract = this.world.contracts.get(instanceId);
    const host = await this.#machine(instanceId);
    const isThere = host !== undefined && contract?.endpoints?.[endpoint.via] === endpoint.port;
    const link = isThere ? host.links[endpoint.via] : "closed";
    const isLetIn = host?.keys.includes(request.publicKeys[0] ?? "");
    const reason: LoginFailure | undefined =
      link === "blackhole"
        ? "timeout"
        : link === "drop"
          ? "closed"
          : link === "closed" || !host?.listens
            ? "refused"
            : isLetIn
              ? undefined
              : "denied";
    await this.clock.sleep(reason === "timeout" ? 10_000 : 500);
    return reason === undefined
      ? { ok: true, endpoint, hostKey }
      : { ok: false, endpoint, reason, text: SSH_SAYS[reason] ?? "" };
  };

  async #machine(instanceId: number): Promise<NoHost | undefined> {
    return (await this.world.contracts.get(instanceId)?.host) as NoHost | undefined;
  }
}

const SSH_SAYS: Partial<Record<LoginFailure, string>> = {
  timeout: "Connection timed out",
  closed: "Connection closed by remote host",
  refused: "Connection refused",
  denied: "Permission denied (publickey)",
};
