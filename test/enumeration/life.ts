import type { Means } from "../../components/vast/ready/means.ts";
import { label } from "../support/request.ts";
import { CREATE, LIST } from "./endings.ts";
import type { FaultAt } from "./place.ts";
import { Process } from "./process.ts";
import { type Called, CaseScene } from "./scene.ts";
import { type Command, GONE, type Outcome, realVerbs, Stack, type State, type Verbs } from "./stack.ts";

/** Commands, and what happens at Vast between them. */
export type Step = Command | "outbid" | "vanish";

/** What is typed after a command that has ended badly. */
export type Recovery = "up" | "destroy";

/** One case: a life, what goes wrong in it, and what is typed then. */
export interface Case {
  readonly life: string;
  readonly faults: readonly FaultAt[];
  readonly recovery: Recovery;
}

export const LIVES: Readonly<Record<string, { readonly steps: readonly Step[]; readonly strangers?: number }>> = {
  plain: { steps: ["up", "refresh", "up", "destroy"] },
  outbid: { steps: ["up", "outbid", "refresh", "up", "destroy"] },
  vanished: { steps: ["up", "vanish", "refresh", "up", "destroy"] },
  crowded: { steps: ["up", "refresh", "destroy"], strangers: 26 },
};

/** How a program is broken, to see whether that is noticed. */
export interface Break {
  readonly verbs?: Partial<Verbs>;
  readonly means?: (means: Means) => Partial<Means>;
}

export interface Trace {
  readonly calls: readonly Called[];
  /** What must not be. Empty = the case went well. */
  readonly wrong: readonly string[];
  /** A line a command. */
  readonly story: readonly string[];
  /** A command ended in an error, or was killed. */
  readonly wentBad: boolean;
  /** Dollars. */
  readonly spent: number;
  /** Simulated seconds. */
  readonly seconds: number;
}

/** One call too many for Vast's gate: nothing is done, whatever was to go wrong with it. */
const TURNED_AWAY = 429;

/** No connection stood. */
const NEVER_SENT = new Set(["refused", "offline"]);

function isRedirect(status: number): boolean {
  return status >= 300 && status < 400;
}

/** Nobody knows whether something was rented. */
function isUnclear(status: number, ending = ""): boolean {
  return (
    status !== TURNED_AWAY &&
    !NEVER_SENT.has(ending) &&
    (status === 0 || status >= 500 || isRedirect(status) || ending === "empty200" || ending === "truncatedJson")
  );
}

/** What one call too few, too late or not understood must not stop. */
const PASSING =
  /^(reset|timeout|html502|redirect|error500|tooFrequent|refused|empty200|truncatedJson|offerTaken|errorWith|createdStopped|listLag|nullAfter|unseen|lostAndUnseen|bootFails|listPartial|listLacks|staleNull|destroyIgnored|destroySlow)/;

/** What is rented with one of these is not what was asked for, whoever takes it over. */
const NEVER_GOOD = /tooDear|imageNotFound/;
const MOST_TRIES = 5;
/** The account is refused, or cannot pay. */
const ACCOUNT = new Set(["authError401", "authError404", "revoked", "noCredit", "spendLimit"]);
/** The dearest that a case may be, dollars: twice the time for one machine and for one release, at the cap. */
const MOST_SPENT = (2 * (6 + 5) * 3.5) / 60;

/** Plays one case from the first command to a destroy that has gone through. */
export async function play(dir: string, one: Case, broken: Break = {}): Promise<Trace> {
  const { strangers } = LIVES[one.life] ?? {};
  const scene = await CaseScene.open(dir, strangers);
  try {
    return await new Player(scene, one, broken).play();
  } finally {
    await scene.close();
  }
}

class Player {
  readonly #scene: CaseScene;
  readonly #case: Case;
  readonly #broken: Break;
  readonly #stack: Stack;
  readonly #wrong: string[] = [];
  readonly #story: string[] = [];
  #state: State = { hasLabel: false, instance: undefined };
  #commands = 0;
  #wentBad = false;
  #lastError = "";

  constructor(scene: CaseScene, one: Case, broken: Break) {
    this.#scene = scene;
    this.#case = one;
    this.#broken = broken;
    this.#stack = new Stack({ ...realVerbs, ...broken.verbs });
  }

  async play(): Promise<Trace> {
    const began = this.#scene.hand.now();
    for (const step of LIVES[this.#case.life]?.steps ?? []) {
      if (step === "outbid" || step === "vanish") await this.#mishap(step);
      else if (!(await this.#command(step))) {
        await this.#recover();
        break;
      }
    }
    // Whatever comes late has come.
    await this.#scene.hand.advance(600);
    this.#checkEnd();
    return {
      calls: this.#scene.calls,
      wrong: this.#wrong,
      story: this.#story,
      wentBad: this.#wentBad,
      spent: this.#scene.spent(),
      seconds: (this.#scene.hand.now() - began) / 1000,
    };
  }

  async #mishap(step: "outbid" | "vanish"): Promise<void> {
    const { world, hand } = this.#scene;
    const [id] = this.#scene.ours();
    const contract = world.contracts.get(id ?? 0);
    if (contract === undefined) return;
    if (step === "vanish") world.life.vanish(contract);
    else {
      contract.offer.ask.tenant = { kind: "bid", perHour: (contract.bid ?? 0) + 0.05 };
      world.life.settle(contract.offer.machine);
    }
    await hand.advance(20);
  }

  async #recover(): Promise<void> {
    this.#wentBad = true;
    if (this.#case.recovery === "up") await this.#until("up");
    await this.#until("destroy");
  }

  /** As often as it takes. A command in which nothing goes wrong takes once. */
  async #until(command: Command): Promise<void> {
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      if (await this.#command(command)) return;
      if (this.#lastError.includes(GONE)) await this.#until("refresh");
    }
    this.#wrong.push(`${command} does not come through`);
  }

  /** False = it ended badly. */
  async #command(command: Command): Promise<boolean> {
    const { hand } = this.#scene;
    const began = hand.now();
    const process = new Process(this.#scene, {
      command: this.#commands++,
      faults: this.#case.faults,
      afterCall: () => this.#checkTwins(),
      ...(this.#broken.means === undefined ? {} : { breakMeans: this.#broken.means }),
    });
    const keep = (state: State) => {
      if (process.isHeard) this.#state = state;
    };
    const end = await process.run((means) => this.#play(command, process, means, keep));
    const outcome = end.how === "done" ? end.value : undefined;
    if (outcome !== undefined) keep(outcome.state);
    if (end.how === "failed") this.#note(`${command}: thrown: ${end.error.stack}`);
    const error = outcome?.error;
    this.#lastError = error?.message ?? "";
    const isGood = end.how === "done" && error === undefined && process.isHeard;
    const met = process.met.length === 0 ? "" : ` [${process.met.join(", ")}]`;
    const how = !process.isHeard ? "nobody heard of it" : end.how === "killed" ? "killed" : (error?.message ?? "ok");
    this.#story.push(
      `${command}${met} -> ${how}; ${(hand.now() - began) / 1000} s; lives ${this.#scene.ours()}; state ${this.#state.instance?.instanceId ?? "-"} ${this.#state.instance?.phase ?? ""}`,
    );
    this.#scene.orphanIntents();
    const isLeaving = this.#scene.ours().length > this.#scene.oursToStay().length;
    const isNeverGood = this.#story.some((line) => NEVER_GOOD.test(line));
    const isToBe = process.met.length > 0 || isLeaving || isNeverGood || this.#lastError.includes(GONE);
    const [first, ...more] = this.#case.faults;
    if (!isGood && more.length === 0 && PASSING.test(first?.ending ?? ""))
      this.#note(`one ${first?.ending} ends the ${command}: ${how}`);
    if (!isGood && !isToBe) this.#note(`${command} failed although nothing went wrong in it: ${how}`);
    if (error !== undefined && process.isHeard && command !== "refresh") this.#checkText(command, error.message);
    this.#checkMoment(isGood && outcome?.isUnseen !== true ? command : undefined);
    this.#checkCalls(process);
    // What went well is left alone for a while; after trouble somebody types at once.
    await hand.advance(isGood ? 60 : 1);
    this.#checkMoment(undefined);
    return isGood;
  }

  async #play(command: Command, process: Process, means: Means, keep: (state: State) => void): Promise<Outcome> {
    const outcome = await this.#stack.run(command, means, this.#state, keep);
    await process.over(command);
    return outcome;
  }

  #note(what: string): void {
    if (!this.#wrong.includes(what)) this.#wrong.push(what);
  }

  /** While a command runs: a second machine is one too many, unless the journal knows that one may be under way. */
  #checkTwins(): void {
    const ours = this.#scene.oursToStay();
    if (ours.length > 1 && this.#scene.openIntents().length === 0)
      this.#note(`${ours.length} machines for one run, and no open intent`);
  }

  /** Between commands: whatever lives is known. */
  #checkMoment(done: Command | undefined): void {
    const ours = this.#scene.oursToStay();
    const known = Number(this.#state.instance?.instanceId ?? 0);
    const strays = ours.filter((id) => id !== known);
    if (strays.length > 0 && !this.#state.hasLabel) this.#note(`${strays} live, and the state has no label`);
    if (strays.length > 0 && this.#scene.openIntents().length === 0)
      this.#note(`${strays} live, not in the state, and no intent is open`);
    if (done === "up" && (ours.length !== 1 || ours[0] !== known))
      this.#note(`after an up ${ours.length} live, and the state has ${known}`);
    if (done === "destroy" && this.#scene.ours().length > 0) this.#note(`after a destroy ${this.#scene.ours()} live`);
    if (done === "destroy" && this.#scene.openIntents().length > 0) this.#note("after a destroy an intent is open");
  }

  /** An error names what is left and what ends it. */
  #checkText(command: Command, text: string): void {
    for (const id of this.#scene.oursToStay()) {
      const isNamed = text.includes(`vastai destroy instance ${id}`);
      const isFindable = text.includes(label) && text.includes("pulumi destroy");
      // Both views of Vast have denied it: nobody can know better, and the state keeps it.
      if (text.includes(GONE)) continue;
      if (!isNamed && !isFindable) this.#note(`the error of ${command} does not tell how to end ${id}: ${text}`);
    }
  }

  #checkCalls({ answers }: Process): void {
    const told = new Set<string>();
    let refused = { endpoint: "", ending: "" };
    let unclear = "";
    for (const { endpoint, status, ending } of answers) {
      if (endpoint === CREATE && refused.ending !== "") this.#note(`rented after ${refused.ending}`);
      if (endpoint === CREATE && unclear !== "") this.#note(`rented after ${unclear}, without a look`);
      if (endpoint === LIST) unclear = "";
      if (endpoint === CREATE && isUnclear(status, ending)) unclear = ending ?? String(status);
      if (status === TURNED_AWAY) {
        // A process does not know how the one before it has called, until it is told.
        const mayBe = ending !== undefined || (!told.has(endpoint) && this.#commands > 1);
        if (!mayBe) this.#note(`too many calls of ${endpoint}`);
        told.add(endpoint);
        continue;
      }
      // What a key may do with keys of ssh and with jobs says nothing of what it may do else.
      if (/ssh|schedule_job/.test(endpoint)) continue;
      // Only the same call proves that the key is good again.
      if (status === 200 && endpoint === refused.endpoint) refused = { endpoint: "", ending: "" };
      else if (ending !== undefined && ACCOUNT.has(ending)) refused = { endpoint, ending };
    }
  }

  #checkEnd(): void {
    for (const what of this.#scene.harmed()) this.#note(`a machine of others: ${what}`);
    const left = this.#scene.ours();
    if (left.length > 0) this.#note(`at the end ${left} live`);
    if (this.#state.hasLabel || this.#state.instance !== undefined) this.#note("at the end the state is not empty");
    const spent = this.#scene.spent();
    if (spent > MOST_SPENT) this.#note(`it cost $${spent.toFixed(2)}`);
  }
}
