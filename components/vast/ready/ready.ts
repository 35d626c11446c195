import { durationText } from "../../lib/text.ts";
import { FOREVER_MS } from "../../programs/program.ts";
import { isPassing, isVastError, type VastError, vastError } from "../client/errors.ts";
import { twinsIn } from "../client/instance-list.ts";
import { further, type Step, stepText } from "../client/phase.ts";
import type { Instance } from "../client/wire.ts";
import { BootWatch, type EndCause, minutes } from "./boot.ts";
import type { LiveEndpoint } from "./live-endpoint.ts";
import type { Means, SetUp } from "./means.ts";
import { type Flaw, flawOf, gpuFlawOf, type Wanted } from "./proof.ts";

/** Which instance to wait for. */
export interface Wait {
  readonly id: number;
  readonly label: string;
  /** When it was rented or started, milliseconds. */
  readonly since: number;
  readonly deadline: number;
  /** How long it may be stopped on the way; a new rental should never be. */
  readonly stoppedMs: number;
  readonly wanted: Wanted;
  /** Our own public key, attached once more when logins are refused for long. */
  readonly publicKey: string;
}

/** How a wait ended. */
export type Outcome =
  | {
      readonly ready: true;
      readonly instance: Instance;
      readonly endpoint: LiveEndpoint;
      /** It can ask Vast to end it. */
      readonly hasFuse: boolean;
      /** How long its image was pulled, as far as we saw, milliseconds; null = not seen. */
      readonly pullMs: number | null;
      /** Others with the same label: rentals that were carried out late. */
      readonly twins: readonly Instance[];
    }
  | {
      readonly ready: false;
      readonly cause: EndCause | Flaw["cause"] | "late" | "unseen" | "called off";
      readonly text: string;
      /** As it was seen last; undefined = never. */
      readonly instance: Instance | undefined;
    };

export type Failed = Exclude<Outcome, { ready: true }>;

const UNSEEN = "Vast cannot be asked";
const LOOK_PAUSE_MS = 500;
/** Pauses grow up to this, so that others can call Vast too. */
const LONGEST_PAUSE_MS = 5_000;
const PAUSE_SHARE = 0.01;
const LOGIN_MS = 300_000;
const SET_UP_MS = 180_000;
/** When logins are rejected for this long, the key is attached once more. */
const DENIED_MS = 60_000;

/**
 * Waits until an instance is ready: it runs, an ssh endpoint is published, a login works, and its set-up has run. Each
 * has its own deadline within that of the wait, at which whatever is under way is given up. What Vast shows meanwhile is
 * compared with what was rented.
 *
 * Throws VastError when Vast refuses us; passing errors are waited out.
 */
export async function awaitReady(means: Means, wait: Wait): Promise<Outcome> {
  return new Waiting(means, wait).run();
}

class Waiting {
  readonly #means: Means;
  readonly #wait: Wait;
  readonly #boot: BootWatch;
  #instance: Instance | undefined;
  #twins: readonly Instance[] = [];
  #shown = "";
  #shownAt: number;
  /** The furthest step so far: a host that reports late, or begins again, does not make it count backwards. */
  #step: Step = "waiting for the host";
  /** Aborted when nobody waits any more, or the whole wait is over. */
  readonly #over: AbortSignal;
  /** When the pull was seen first, and when it was seen to be over. */
  #pull: { readonly from: number; readonly to?: number } | undefined;

  constructor(means: Means, wait: Wait) {
    this.#means = means;
    this.#wait = wait;
    this.#boot = new BootWatch({ since: wait.since, stoppedMs: wait.stoppedMs });
    this.#over = this.#until(wait.deadline);
    this.#shownAt = means.clock.now();
  }

  async run(): Promise<Outcome> {
    const { clock, engine } = this.#means;
    while (!engine.signal.aborted) {
      const outcome = await this.#look();
      if (outcome !== undefined) return outcome;
      if (engine.signal.aborted) break;
      if (this.#over.aborted || clock.now() > this.#wait.deadline) return this.#late();
      await clock.sleep(this.#pause(), engine.signal);
    }
    return this.#end("called off", "nobody waits for it any more");
  }

  /** A signal of that time, or of the end of the engine. */
  #until(deadline: number): AbortSignal {
    const left = Math.max(Math.ceil(deadline - this.#means.clock.now()), 0);
    return AbortSignal.any([this.#means.engine.signal, AbortSignal.timeout(Math.min(left, FOREVER_MS))]);
  }

  #pause(): number {
    const share = (this.#means.clock.now() - this.#wait.since) * PAUSE_SHARE;
    return Math.min(Math.max(share, LOOK_PAUSE_MS), LONGEST_PAUSE_MS);
  }

  #late(): Outcome {
    const { since, deadline } = this.#wait;
    const stood = `${this.#shown || "nothing"} for ${this.#stood()}`;
    return this.#end(
      this.#shown === UNSEEN ? "unseen" : "late",
      `not ready within ${minutes(deadline - since)}, it stood at ${stood}`,
    );
  }

  /** undefined = not decided yet. */
  async #look(): Promise<Outcome | undefined> {
    const { clock } = this.#means;
    const seen = await this.#rowInTime();
    if (seen === "unclear") return undefined;
    if (seen !== undefined) {
      this.#instance = seen;
      const flaw = flawOf(seen, this.#wait.wanted, false);
      if (flaw !== undefined) return this.#end(flaw.cause, flaw.text);
    }
    const verdict = this.#boot.judge(seen, clock.now());
    if (verdict.next === "end") return this.#end(verdict.cause, verdict.text);
    if (verdict.next === "login" && seen !== undefined) return this.#enter(seen);
    if (verdict.next === "wait") this.#show(verdict.text, "", verdict.step);
    return undefined;
  }

  /** A call to Vast may take minutes, and is not waited for when the time is over. */
  async #rowInTime(): Promise<Instance | undefined | "unclear"> {
    const askedAt = this.#means.clock.now();
    const late = Promise.withResolvers<"unclear">();
    const end = () => {
      if (!this.#means.engine.signal.aborted) this.#show(UNSEEN, "no answer in time");
      this.#shownAt = askedAt;
      late.resolve("unclear");
    };
    this.#over.addEventListener("abort", end);
    try {
      return await Promise.race([this.#row(), late.promise]);
    } finally {
      this.#over.removeEventListener("abort", end);
    }
  }

  /** An instance that the list lacks is asked for by its id. */
  async #row(): Promise<Instance | undefined | "unclear"> {
    const { list, client } = this.#means;
    const { id, label } = this.#wait;
    try {
      const rows = await list.look();
      this.#twins = twinsIn(rows, label, id);
      const listed = rows.find((row) => row.id === id);
      if (listed !== undefined || !this.#boot.seen) return listed;
      return await client.instance(id);
    } catch (error) {
      if (!isPassing(error)) throw error;
      return this.#alone(error as VastError);
    }
  }

  /** When the list fails: the single view is enough, but proves nothing when the instance is missing there. */
  async #alone(trouble: VastError): Promise<Instance | "unclear"> {
    try {
      const row = await this.#means.client.instance(this.#wait.id);
      if (row !== undefined) return row;
    } catch (error) {
      if (!isPassing(error)) throw error;
    }
    this.#show(UNSEEN, trouble.message);
    return "unclear";
  }

  async #enter(instance: Instance): Promise<Outcome | undefined> {
    try {
      const endpoint = await this.#login(instance);
      this.#showStep("set-up");
      const deadline = this.#soonest(SET_UP_MS);
      const setUp = await this.#isSetUp(endpoint, deadline);
      if (setUp === false) return this.#end("host", `its set-up did not run within ${this.#stood()}`);
      const { wanted } = this.#wait;
      const { gpus, hasFuse } = setUp;
      const flaw = flawOf(instance, wanted, true) ?? (gpus === null ? undefined : gpuFlawOf(gpus, wanted));
      return flaw === undefined
        ? { ready: true, instance, endpoint, hasFuse, pullMs: this.#pullMs(), twins: this.#twins }
        : this.#end(flaw.cause, flaw.text);
    } catch (error) {
      if (isVastError(error, "no_login")) return this.#end("host", withoutId(error.message));
      // The next look judges this.
      if (isVastError(error, "not_running", "no_such_instance", "aborted")) return undefined;
      throw error;
    }
  }

  async #login(seen: Instance): Promise<LiveEndpoint> {
    const { logins, clock } = this.#means;
    const reasons = new Map<string, string>();
    let deniedAt: number | undefined;
    this.#showStep("ssh login");
    return logins.login(this.#wait.id, {
      deadline: this.#soonest(LOGIN_MS),
      signal: this.#over,
      seen,
      onAttempt: (reason, via) => {
        reasons.set(via, `${via} ${reason}`);
        this.#showStep("ssh login", [...reasons.values()].join(", "));
        if (reason !== "denied") return;
        deniedAt ??= clock.now();
        if (clock.now() - deniedAt < DENIED_MS) return;
        deniedAt = Number.POSITIVE_INFINITY;
        this.#attachKey();
      },
    });
  }

  /** Best effort: onstart has authorised the key already, and Vast's launcher may have overwritten it. */
  #attachKey(): void {
    void this.#means.client.attachKey(this.#wait.id, this.#wait.publicKey).catch((error: VastError) => {
      this.#means.progress(`the key could not be attached: ${error.message}`);
    });
  }

  async #isSetUp(endpoint: LiveEndpoint, deadline: number): Promise<false | SetUp> {
    const { logins, engine, clock } = this.#means;
    const signal = this.#until(deadline);
    while (!engine.signal.aborted) {
      const setUp = await logins.isSetUp(this.#wait.id, endpoint, { deadline, signal });
      if (setUp !== false) return setUp;
      if (clock.now() > deadline) return false;
      await clock.sleep(1000, engine.signal);
    }
    throw vastError("aborted", "nobody waits for it any more");
  }

  #soonest(milliseconds: number): number {
    return Math.min(this.#means.clock.now() + milliseconds, this.#wait.deadline);
  }

  /** How long it has shown the same: "4 min". */
  #stood(): string {
    return durationText((this.#means.clock.now() - this.#shownAt) / 1000);
  }

  #showStep(step: Step, more = ""): void {
    this.#show(stepText(step), more, step);
  }

  /** "2/6 image pull, 41 s" */
  #show(text: string, more = "", step?: Step): void {
    const now = this.#means.clock.now();
    if (step !== undefined) this.#reach(step, now);
    const shown = step === undefined ? text : text.replace(stepText(step), stepText(step, this.#step));
    if (shown !== this.#shown) this.#shownAt = now;
    this.#shown = shown;
    const seconds = Math.round((now - this.#shownAt) / 1000);
    this.#means.progress(`${shown}, ${seconds} s${more === "" ? "" : `: ${more}`}`);
  }

  #reach(step: Step, now: number): void {
    this.#step = further(this.#step, step);
    if (this.#step === "image pull") this.#pull ??= { from: now };
    else if (this.#pull !== undefined) this.#pull = { to: now, ...this.#pull };
  }

  #pullMs(): number | null {
    return this.#pull?.to === undefined ? null : this.#pull.to - this.#pull.from;
  }

  #end(cause: Failed["cause"], text: string): Outcome {
    return { ready: false, cause, text, instance: this.#instance };
  }
}

/** The reader knows which instance it is about. */
function withoutId(message: string): string {
  return message.replace(/^instance \d+:? /, "");
}
