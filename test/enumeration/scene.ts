import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Request } from "../../components/vast/client/transport.ts";
import { checkFault } from "../../simulator/api/check-fault.ts";
import { findRoute } from "../../simulator/api/route.ts";
import { ROUTES } from "../../simulator/api/routes.ts";
import { newContract } from "../../simulator/contracts/rent.ts";
import { FaultBook } from "../../simulator/faults/book.ts";
import type { Fault, Answer as Sent, World } from "../../simulator/index.ts";
import type { Offer } from "../../simulator/market/machine.ts";
import { label, request } from "../support/request.ts";
import { Scene } from "../support/scene.ts";
import type { Place } from "./place.ts";

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

/** A scene for one case: others use the account too, and the calls of all its commands are counted. */
export class CaseScene extends Scene {
  readonly calls: Called[] = [];
  readonly #foreign: readonly { readonly id: number; readonly label: string | null }[];
  readonly #counts = new Map<string, number>();

  private constructor(root: string, strangers: number) {
    super({ root, timings: TIMINGS });
    const { world } = this;
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
  }

  /**
   * @param root folder for its state directory
   * @param strangers more machines of the account: beyond 25 the list has a second page
   */
  static async open(root: string, strangers = 0): Promise<CaseScene> {
    const scene = new CaseScene(root, strangers);
    await scene.hand.advance(60);
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

  /** What Vast sends back to a request that meets this fault, unless Vast turns it away as one too many. */
  async meet(request: Request, fault: Omit<Fault, "on">): Promise<Sent> {
    const { call } = request;
    const found = findRoute(ROUTES, call.method, call.path);
    const faults = new FaultBook(checkFault);
    faults.add({ ...fault, on: typeof found === "object" ? found.route.endpoint : "" } as Fault);
    const sent = await this.exchange(request, { ...this.world, faults });
    const isMet = faults.list().every(({ met }) => met > 0);
    assert.ok(isMet || ("status" in sent && sent.status === 429), `${call.path} did not meet ${fault.do}`);
    return sent;
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

  /** The process that held them has ended. */
  orphanIntents(): void {
    for (const open of this.openIntents()) {
      const file = join(this.home, "journal", `${open}.json`);
      const intent = JSON.parse(readFileSync(file, "utf8"));
      writeFileSync(file, JSON.stringify({ ...intent, pid: 999_999_999, startedAt: "never" }));
    }
  }
}
