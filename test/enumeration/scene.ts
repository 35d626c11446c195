import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Call } from "../../components/vast/client/answer.ts";
import { Journal } from "../../components/vast/journal/journal.ts";
import { newContract } from "../../simulator/contracts/rent.ts";
import {
  type Answer,
  exchange,
  type HandClock,
  handClock,
  ledger,
  openWorld,
  type World,
} from "../../simulator/index.ts";
import type { Offer } from "../../simulator/market/machine.ts";
import { label, request } from "../support/renting.ts";
import type { Place } from "./place.ts";

export const KEY = "k".repeat(64);
const MOST_OFFERS = 8;
/** So that nothing depends on steps that take no time. */
const TIMINGS = { rent: 0, pull: 0, visible: 1.2, report: 1.5, load: 1.5, destroy: 1.2 };

/** What others have on the same account, and must keep. */
const FOREIGN: readonly string[] = [
  "vt-zzzzzzzz-vast-training-test-run-12345678", // equal project and stack, another owner
  label.slice(0, -1),
  `${label}0`,
];

/** A call as it was made. */
export interface Called extends Place {
  /** Which command of the case made it, from 0. */
  readonly command: number;
}

/** One account, its machines and one state directory, for one case. */
export class Scene {
  readonly clock: HandClock = handClock();
  readonly world: World;
  readonly journalDir: string;
  readonly pricesDir: string;
  readonly calls: Called[] = [];
  readonly #foreign: readonly { readonly id: number; readonly label: string | null }[];
  readonly #counts = new Map<string, number>();

  private constructor(dir: string, strangers: number) {
    this.journalDir = join(dir, "journal");
    this.pricesDir = join(dir, "prices");
    for (const each of [this.journalDir, this.pricesDir]) mkdirSync(each, { recursive: true });
    // As the run's identity does, which comes before any rental.
    new Journal(this.journalDir).begin(label);
    const world = openWorld({ timings: TIMINGS }, { clock: this.clock, apiKey: KEY });
    const others = [...FOREIGN, ...Array.from({ length: strangers }, () => null)];
    const isOurs = ({ ask, machine }: Offer) => machine.gpu.name === request.criteria.gpu && ask.gpus === 1;
    const offers = [...world.market.offers()].filter(({ machine }) => machine.gpu.name !== request.criteria.gpu);
    // A search through all of the market would be most of the work.
    const few = [...world.market.offers()].filter(isOurs).slice(0, MOST_OFFERS);
    world.account.paidIn = 1_000_000;
    Object.assign(world.market, { offers: () => few.values() });
    this.#foreign = others.map((name, index) => ({
      id: this.#rentedByOthers(world, offers[index], name),
      label: name,
    }));
    this.world = world;
  }

  /** @param strangers more machines of the account: beyond 25 the list has a second page */
  static async open(dir: string, strangers = 0): Promise<Scene> {
    const scene = new Scene(dir, strangers);
    await scene.clock.advance(60);
    return scene;
  }

  #rentedByOthers(world: World, offer: Offer | undefined, name: string | null): number {
    if (offer === undefined) throw new Error("the market is too small");
    const order = { image: "pytorch/pytorch", diskGb: 10, env: {}, onstart: null, runtype: "ssh", args: [], vm: false };
    const contract = newContract(world, offer, order, { label: name, bid: null });
    world.life.boot(contract);
    return contract.id;
  }

  /** The place of the next call of an endpoint. */
  next(endpoint: string, command: number): Called {
    const nth = (this.#counts.get(endpoint) ?? 0) + 1;
    this.#counts.set(endpoint, nth);
    const called = { endpoint, nth, command };
    this.calls.push(called);
    return called;
  }

  /** @param paced false = it was let in before: what comes of it comes late */
  exchange(
    { method, path }: Pick<Call, "method" | "path">,
    query: Readonly<Record<string, string>> = {},
    body: unknown = undefined,
    paced = true,
  ): Promise<Answer> {
    const url = new URL(path, "http://vast.test");
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    return exchange(paced ? this.world : { ...this.world, gates: undefined }, {
      method,
      url,
      key: KEY,
      address: "",
      body: body === undefined ? "" : JSON.stringify(body),
    });
  }

  /** Ids of what lives under our label. */
  ours(): number[] {
    return this.world.contracts.living().flatMap(({ id, label: name }) => (name === label ? [id] : []));
  }

  /** Without those that Vast is taking down: they bill no more. */
  oursToStay(): number[] {
    return this.ours().filter((id) => this.world.contracts.get(id)?.state !== "destroying");
  }

  /** What became of the others' machines that should not have. */
  harmed(): string[] {
    return this.#foreign.flatMap(({ id, label: name }) => {
      const contract = this.world.contracts.get(id);
      return contract?.state === "running" && contract.label === name ? [] : [`${name} is ${contract?.state}`];
    });
  }

  /** Dollars spent under our label. */
  spent(): number {
    const lines = ledger(this.world).contracts.filter((line) => line.label === label);
    return lines.reduce((sum, { cost }) => sum + cost.total, 0);
  }

  openIntents(): string[] {
    return new Journal(this.journalDir).listOpen().map((intent) => `${intent.label}.json`);
  }

  /** The process that held them has ended. */
  orphanIntents(): void {
    for (const name of this.openIntents()) {
      const file = join(this.journalDir, name);
      const intent = JSON.parse(readFileSync(file, "utf8"));
      writeFileSync(file, JSON.stringify({ ...intent, pid: 999_999_999, startedAt: "never" }));
    }
  }

  async close(): Promise<void> {
    await this.world.life.close();
    rmSync(this.journalDir, { recursive: true, force: true });
  }
}
