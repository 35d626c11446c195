import type { Clock } from "../../components/lib/clock.ts";
import type { Request, Transport } from "../../components/vast/client/transport.ts";
import type { Means } from "../../components/vast/ready/means.ts";
import { clientOn, meansOn } from "../support/means.ts";
import { endingNamed, type Happening } from "./endings.ts";
import { type FaultAt, type Place, placeName, samePlace } from "./place.ts";
import type { CaseScene } from "./scene.ts";

/** How a command ended. */
export type End<T> =
  | { readonly how: "done"; readonly value: T }
  | { readonly how: "failed"; readonly error: Error }
  | { readonly how: "killed" };

export interface ProcessOptions {
  readonly command: number;
  readonly faults: readonly FaultAt[];
  /** Another journal, another client: how a broken program is made. */
  readonly breakMeans?: (means: Means) => Partial<Means>;
  /** Called after each call that has had its effect. */
  readonly afterCall?: () => void;
}

/** A call and how it was answered. */
interface Answered {
  readonly endpoint: string;
  readonly ending?: string;
  /** 0 = not at all. */
  status: number;
}

/** A new promise each time: a shared one would keep everything that has ever waited for it. */
function never(): Promise<never> {
  return new Promise(() => {});
}

/** A provider process, that may be killed at any call: from then on nothing of it happens any more. */
export class Process {
  readonly means: Means;
  /** "PUT /asks/{id}/ #1 resetAfter", as they happened. */
  readonly met: string[] = [];
  readonly answers: Answered[] = [];
  readonly #scene: CaseScene;
  readonly #options: ProcessOptions;
  readonly #engine = new AbortController();
  readonly #killed = Promise.withResolvers<void>();
  /** Endpoint ("" = all) and ending. */
  readonly #lasting: { readonly reach: string; readonly ending: string }[] = [];
  #isDead = false;

  constructor(scene: CaseScene, options: ProcessOptions) {
    this.#scene = scene;
    this.#options = options;
    const means = this.#makeMeans();
    this.means = { ...means, ...options.breakMeans?.(means) };
  }

  /** Its engine is there to hear of what comes of it. */
  get isHeard(): boolean {
    return !this.#engine.signal.aborted;
  }

  async run<T>(action: (means: Means) => Promise<T>): Promise<End<T>> {
    const killed = this.#killed.promise.then((): End<T> => ({ how: "killed" }));
    const done = action(this.means).then(
      (value): End<T> => ({ how: "done", value }),
      (error: Error): End<T> => ({ how: "failed", error }),
    );
    const end = await Promise.race([killed, done]);
    this.#isDead = true;
    return end;
  }

  #makeMeans(): Means {
    const { hand, api, home } = this.#scene;
    const clock: Clock = {
      now: hand.now,
      sleep: async (milliseconds) => {
        await this.#alive(() => hand.advance(milliseconds / 1000));
      },
    };
    const { signal } = this.#engine;
    return meansOn({ api, clock, home }, clientOn({ api, clock }, { transport: this.#transport }), {
      engine: { signal, alive: async () => !signal.aborted },
    });
  }

  /** The dead do nothing, and hear of nothing. */
  async #alive<T>(action: () => Promise<T>): Promise<T> {
    if (this.#isDead) return never();
    const result = await action();
    return this.#isDead ? never() : result;
  }

  #transport: Transport = (_url, _key, request) =>
    this.#alive(async () => {
      const { call } = request;
      const endpoint = `${call.method} ${call.template}`;
      const place = this.#scene.next(endpoint, this.#options.command);
      const ending = this.#endingAt(place);
      const happening = this.#happening(request);
      const answered: Answered = { endpoint, status: 0, ...(ending === undefined ? {} : { ending }) };
      this.answers.push(answered);
      const answer = await (ending === undefined ? happening.carryOut() : endingNamed(ending).happen(happening));
      if (!("cut" in answer)) answered.status = answer.status;
      this.#options.afterCall?.();
      return this.#scene.arrived(call, answer);
    });

  /** Name of the ending that is due here. */
  #endingAt(place: Place): string | undefined {
    const fault = this.#options.faults.find((each) => samePlace(each, place));
    if (fault === undefined) return this.#lasting.find(({ reach }) => reach === "" || reach === place.endpoint)?.ending;
    const { ending } = fault;
    const { lasts } = endingNamed(ending);
    this.met.push(`${placeName(place)} ${ending}`);
    if (lasts !== undefined) this.#lasting.push({ reach: lasts === "process" ? "" : place.endpoint, ending });
    return ending;
  }

  /** Its work is done, and the state does not have it yet. */
  over(command: string): Promise<void> {
    return this.#alive(async () => {
      const place = this.#scene.next(`the end of ${command}`, this.#options.command);
      if (this.#options.faults.some((fault) => samePlace(fault, place))) {
        this.met.push(`${placeName(place)} killed`);
        await this.#kill();
      }
    });
  }

  #kill(): Promise<never> {
    this.#isDead = true;
    this.#killed.resolve();
    return never();
  }

  #happening(request: Request): Happening {
    return {
      request,
      carryOut: (world) => this.#scene.exchange(request, world),
      meet: (fault) => this.#scene.meet(request, fault),
      world: this.#scene.world,
      pass: (seconds) => this.#scene.hand.advance(seconds),
      kill: () => this.#kill(),
      loseEngine: () => this.#engine.abort(),
    };
  }
}
