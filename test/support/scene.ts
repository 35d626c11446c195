import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Clock } from "../../components/lib/clock.ts";
import type { ApiResponse, Call } from "../../components/vast/client/answer.ts";
import type { Api } from "../../components/vast/client/api.ts";
import type { ClientOptions, VastClient } from "../../components/vast/client/client.ts";
import { noAnswer, type Request, type Transport } from "../../components/vast/client/transport.ts";
import { Journal } from "../../components/vast/journal/journal.ts";
import type { Means } from "../../components/vast/ready/means.ts";
import {
  exchange,
  type HandClock,
  ledger,
  openWorld,
  type Answer as Sent,
  type SimulatorOptions,
  type World,
} from "../../simulator/index.ts";
import { clientOn, type Ground, meansOn } from "./means.ts";
import { label } from "./request.ts";
import { ownTime, type Time } from "./time.ts";

const KEY = "k".repeat(64);

export interface SceneOptions extends Pick<SimulatorOptions, "timeFactor" | "timings"> {
  /** Default: time that only our waiting makes pass. */
  readonly time?: Time;
  /** Folder for its state directory; default: that for temporary ones. */
  readonly root?: string;
}

/** An account, its market and its machines without sockets, and one state directory of ours. */
export class Scene implements Ground {
  readonly hand: HandClock;
  readonly clock: Clock;
  readonly world: World;
  readonly home: string;
  readonly api: Api = { url: "http://vast.test", key: () => KEY, keySource: "a test" };
  /** Lines that stay on the row, and texts that were there for a while. */
  readonly said: string[] = [];
  readonly shown: string[] = [];

  constructor({ time = ownTime(), root = tmpdir(), ...options }: SceneOptions = {}) {
    this.hand = time.hand;
    this.clock = time.clock;
    this.home = mkdtempSync(join(root, "vast-scene-"));
    for (const name of ["journal", "prices"]) mkdirSync(join(this.home, name));
    // As the run's identity does, which comes before any rental.
    this.journal.begin(label);
    this.world = openWorld(options, { clock: time.hand, apiKey: KEY });
  }

  /** Of a process that only looks. */
  get journal(): Journal {
    return new Journal(join(this.home, "journal"));
  }

  /** What Vast sends back. @param world another view of the same one */
  exchange({ call, query = {}, body }: Request, world = this.world): Promise<Sent> {
    const url = new URL(this.api.url + call.path);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const sent = body === undefined ? "" : JSON.stringify(body);
    return exchange(world, { method: call.method, url, key: KEY, address: "", body: sent });
  }

  /** What of it arrives. Throws VastError when there is nothing. */
  arrived(call: Call, sent: Sent): ApiResponse {
    if ("cut" in sent) throw noAnswer(call, this.api.url, "ECONNRESET");
    const headers = { date: new Date(this.hand.now()).toUTCString() };
    return { status: sent.status, text: sent.body, headers };
  }

  transport: Transport = async (_url, _key, request) => this.arrived(request.call, await this.exchange(request));

  client(options: ClientOptions = {}): VastClient {
    return clientOn(this, { transport: (...request) => this.transport(...request), ...options });
  }

  /** Of one more process. */
  meansOf(client: VastClient = this.client(), changes: Partial<Means> = {}): Means {
    const progress = (text: string) => void this.shown.push(text);
    const say = async (text: string) => void this.said.push(text);
    return meansOn(this, client, { progress, say, ...changes });
  }

  /** Labels under which a rental may be under way. */
  openIntents(): string[] {
    return this.journal.listOpen().map((intent) => intent.label);
  }

  /** Endpoints of the calls that Vast turned away as too many, though no fault said so. */
  tooMany(): string[] {
    const refused = this.world.requests.filter(({ status, fault }) => status === 429 && fault === undefined);
    return refused.map(({ endpoint }) => endpoint);
  }

  /** Dollars spent under our label so far. */
  spent(): number {
    const lines = ledger(this.world).contracts.filter((line) => line.label === label);
    return lines.reduce((sum, { cost }) => sum + cost.total, 0);
  }

  async close(): Promise<void> {
    this.world.holds.letGo();
    await this.world.life.close();
    rmSync(this.home, { recursive: true, force: true });
  }
}
