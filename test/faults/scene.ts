import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LoginFailure, probe } from "../../components/ssh/probe.ts";
import { VastClient } from "../../components/vast/client/client.ts";
import { InstanceList } from "../../components/vast/client/instance-list.ts";
import { Gates } from "../../components/vast/client/pacing.ts";
import { noAnswer, type Transport, timeoutOf } from "../../components/vast/client/transport.ts";
import { Journal } from "../../components/vast/journal/journal.ts";
import { Prices } from "../../components/vast/market/prices.ts";
import { liveEndpoint } from "../../components/vast/ready/live-endpoint.ts";
import type { Logins, Means } from "../../components/vast/ready/means.ts";
import type { NoHost } from "../../simulator/hosts/no-hosts.ts";
import { exchange, type Fault, ledger, openWorld, type World } from "../../simulator/index.ts";
import { hostKey, label, NO_TRACES, REPORT, request } from "../support/renting.ts";
import { type SharedTime, sharedTime } from "./time.ts";

const KEY = "k".repeat(64);

/** An account, a market and its machines in real time, which no clock but our waiting turns. */
export class Scene {
  readonly time: SharedTime = sharedTime();
  readonly world: World;
  readonly means: Means;
  /** Lines that stay on the row, and texts that were there for a while. */
  readonly said: string[] = [];
  readonly shown: string[] = [];
  /** Rentals that left. */
  rentals = 0;
  readonly #home: string;
  /** $/h, the most that all machines cost at a time. */
  dearest = 0;

  constructor(faults: readonly Fault[] = []) {
    this.#home = mkdtempSync(join(tmpdir(), "vast-faults-"));
    const journalDir = join(this.#home, "journal");
    const pricesDir = join(this.#home, "prices");
    for (const dir of [journalDir, pricesDir]) mkdirSync(dir);
    // As slow as the real platform. The answer to a rental is at once: what it takes is no fault's doing.
    // As the run's identity does, which comes before any rental.
    new Journal(journalDir).begin(label);
    this.world = openWorld({ timeFactor: 1, timings: { rent: 0 } }, { clock: this.time.clock, apiKey: KEY });
    this.world.faults.add(...faults);
    const { ours } = this.time;
    const api = { url: "http://vast.test", key: () => KEY, keySource: "a test" };
    const gates = new Gates(ours.now, ours.sleep);
    const client = new VastClient(api, { gates, sleep: ours.sleep, random: () => 0, transport: this.#transport });
    this.means = {
      client,
      list: new InstanceList(client, ours),
      journal: new Journal(journalDir),
      prices: new Prices(pricesDir, api.url, ours.now),
      clock: ours,
      logins: this.#logins(client),
      engine: { signal: new AbortController().signal, alive: async () => true },
      progress: (text) => void this.shown.push(text),
      say: async (text) => void this.said.push(text),
    };
  }

  /** 429s that nobody scripted. */
  tooMany(): number {
    return this.world.requests.filter(({ status, fault }) => status === 429 && fault === undefined).length;
  }

  openIntents(): string[] {
    return this.means.journal.listOpen().map((intent) => intent.label);
  }

  /** Dollars so far. */
  spent(): number {
    return ledger(this.world).total;
  }

  async close(): Promise<void> {
    this.world.holds.letGo();
    await this.world.life.close();
    rmSync(this.#home, { recursive: true, force: true });
  }

  /** No sockets, and the patience of the real one. */
  #transport: Transport = async (base, key, { call, query, body }) => {
    const url = new URL(base + call.path);
    for (const [name, value] of Object.entries(query ?? {})) url.searchParams.set(name, value);
    if (call.rents) this.rentals += 1;
    const sent = body === undefined ? "" : JSON.stringify(body);
    const answered = new AbortController();
    const late = this.time.ours.sleep(timeoutOf(call), answered.signal).then(() => undefined);
    const incoming = { method: call.method, url, key, address: "", body: sent };
    const answer = await Promise.race([late, exchange(this.world, incoming)]);
    answered.abort();
    this.dearest = Math.max(this.dearest, ledger(this.world).ratePerHour);
    if (answer === undefined) throw noAnswer(call, base, "ERR_CANCELED");
    if ("cut" in answer) throw noAnswer(call, base, "ECONNRESET");
    return {
      status: answer.status,
      text: answer.body,
      headers: { date: new Date(this.world.clock.now()).toUTCString() },
    };
  };

  #logins(client: VastClient): Logins {
    const { now, sleep } = this.time.ours;
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
    await this.time.ours.sleep(reason === "timeout" ? 10_000 : 500);
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
