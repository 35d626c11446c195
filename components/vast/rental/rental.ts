import { factsOfInstance } from "../../events/news.ts";
import { momentOf } from "../../lib/clock.ts";
import { accountIdOf, type Renter } from "../client/same-account.ts";
import type { Instance } from "../client/wire.ts";
import { nonceOf } from "../journal/label.ts";
import { isStranded, stranded, tellOpen } from "../journal/trouble.ts";
import { arm, awaitArmed } from "../lease/provisional.ts";
import type { Happening } from "../ledger/line.ts";
import { patienceOf } from "../market/quote.ts";
import { happeningIn, note, readyAfter } from "../ready/experience.ts";
import type { LiveEndpoint } from "../ready/live-endpoint.ts";
import type { Means } from "../ready/means.ts";
import { awaitReady, type Failed, type Outcome } from "../ready/ready.ts";
import { keepRemains } from "../ready/remains.ts";
import { OfferQueue } from "./offer-queue.ts";
import { registerOwnKey } from "./own-key.ts";
import { release, releaseOrStrand } from "./release.ts";
import { rentOffer } from "./rent-offer.ts";
import { provisionalMinutes, type RentalRequest, wantedOf } from "./rental-request.ts";
import { type Found, settle } from "./settle.ts";

/** An instance that is ready. */
export interface Rented extends Renter {
  readonly instance: Instance;
  readonly endpoint: LiveEndpoint;
  /** null = not known: it was rented by an earlier run. */
  readonly offerId: number | null;
}

/** What is known of a machine that comes up; null = not known. */
interface Told {
  readonly gpu: string | null;
  readonly offerId: number | null;
  readonly pullMinutes: number | null;
  readonly machineId: number | null;
  readonly gpus: number | null;
}

/** A machine should be up within this, minutes; failing under a shorter limit is not its fault. */
const FAIR_MINUTES = 10;

/** A stopped state counts when it lasts this long on the way up. */
const STOPPED_MS = 5_000;

/**
 * Rents one instance and returns it ready, or throws with nothing left that costs money.
 *
 * An instance that an earlier run left under this label is taken over first. Then offers are tried, the quoted one
 * before the others. A machine that does not come up is released, and confirmed gone, before the next one is rented. A
 * fault of the image or the account ends it all, and so does a second machine whose terms are not those of its offer.
 * An instance that cannot be released is thrown as `Stranded`, so that it gets into the state; an unclear rental that
 * cannot be settled stays open in the journal.
 */
export async function rent(means: Means, request: RentalRequest): Promise<Rented> {
  try {
    return await new Rental(means, request).run();
  } catch (error) {
    throw tellOpen(error, means.journal, request.label);
  }
}

class Rental {
  readonly #means: Means;
  readonly #request: RentalRequest;
  readonly #deadline: number;
  readonly #queue: OfferQueue;
  readonly #failures: string[] = [];
  /** How many machines were rented and given up. */
  #givenUp = 0;
  readonly #account: Promise<string>;
  /** Others of the label that are kept: training may have run on them. */
  #kept: readonly number[] = [];
  readonly #keyFingerprint: string;
  #tried = 0;
  /** Settles when Vast has its order to end what was rented last. */
  #armed: Promise<void> = Promise.resolve();
  /** Causes seen once: maybe that machine's fault. Seen on a second machine, they are not. */
  readonly #doubts = new Set<Failed["cause"]>();

  constructor(means: Means, request: RentalRequest) {
    this.#means = means;
    this.#request = request;
    this.#deadline = means.clock.now() + request.minutes.total * 60_000;
    this.#queue = new OfferQueue(means, request);
    this.#keyFingerprint = means.client.keyFingerprint(nonceOf(request.label));
    this.#account = accountIdOf(means.client);
    // It is awaited before a rental, which may never be reached: then it must not reject unhandled.
    this.#account.catch(() => {});
  }

  /** Rents. A `Stranded` error also says which account and key rented it. */
  async run(): Promise<Rented> {
    try {
      return await this.#run();
    } catch (error) {
      throw isStranded(error) ? Object.assign(error, { renter: await this.#noted() }) : error;
    }
  }

  async #run(): Promise<Rented> {
    const { label, publicKeys, criteria } = this.#request;
    const [found] = await Promise.all([settle(this.#means, label), registerOwnKey(this.#means, publicKeys)]);
    const rented = found === undefined ? undefined : await this.#takeOver(found);
    if (rented !== undefined) return rented;
    while (this.#tried < criteria.maxOffers && this.#means.clock.now() < this.#deadline) {
      const ready = await this.#tryNext();
      if (ready !== undefined) return ready;
    }
    const inTime = this.#means.clock.now() < this.#deadline;
    const within = `within ${this.#request.minutes.total} minutes (readyTimeoutMinutes)`;
    throw this.#failure(
      inTime ? `no machine of ${criteria.maxOffers} came up (maxOffers)` : `no machine came up ${within}`,
    );
  }

  /** undefined = this offer gave no machine, and nothing of it is left. */
  async #tryNext(): Promise<Rented | undefined> {
    const offer = await this.#queue.next().catch((error: Error) => {
      throw this.#failure(error.message);
    });
    const renter = this.#renter(await this.#account);
    const attempt = await rentOffer(this.#means, this.#request, offer, renter, this.#kept.length === 0);
    const isGone = "passed" in attempt && attempt.gone === true;
    if (isGone) this.#queue.missed(offer);
    else this.#queue.skip(offer.machineId);
    // A quote's id may be minutes old: that it is gone is not the machine's fault, and no try.
    if (!isGone || offer !== this.#request.quote) this.#tried += 1;
    if ("instanceId" in attempt) {
      const { instanceId } = attempt;
      if (this.#request.provisional) this.#armed = this.#arm(instanceId);
      // Whoever waits for it hears of it; nobody does when the machine fails first.
      this.#armed.catch(() => {});
      return this.#bringUp(instanceId, offer);
    }
    this.#failures.push(attempt.passed);
    await this.#means.say(`${attempt.passed}; trying the next offer`);
    return undefined;
  }

  async #arm(id: number): Promise<void> {
    const { journal, say } = this.#means;
    const { label } = this.#request;
    await arm(this.#means, id, provisionalMinutes(this.#request));
    await said(say, () => journal.noteArmed(label));
  }

  #renter(accountId: string): Renter {
    return { accountId, keyFingerprint: this.#keyFingerprint };
  }

  /** Who rents, for something rented already: "" where the account does not answer. */
  async #noted(): Promise<Renter> {
    return this.#renter(await this.#account.catch(() => ""));
  }

  #failure(what: string): Error {
    const before = this.#failures.length === 0 ? "" : `; tried before: ${this.#failures.join("; ")}`;
    return new Error(`${what}${before}`);
  }

  /** Takes over the instance of an earlier run; undefined = it was of no use and is released. */
  async #takeOver({ instance, offerId, untouched, kept }: Found): Promise<Rented | undefined> {
    const { say, journal, clock } = this.#means;
    const { label, urn, target } = this.#request;
    await say(`instance ${instance.id} of an earlier run is taken over`);
    this.#kept = kept;
    this.#noteTakenOver(instance);
    const unknown = { gpu: null, pullMinutes: null, machineId: null, gpus: null };
    if (this.#request.provisional && journal.find(label)?.armed !== true)
      this.#armed = awaitArmed(this.#means, instance);
    if (untouched) return this.#bringUp(instance.id, { ...unknown, offerId });
    const cost = instance.totalPerHour === null ? {} : { perHour: instance.totalPerHour };
    const noted = { ...cost, ...(await this.#noted()) };
    try {
      if (journal.find(label) === undefined)
        journal.open({ label, urn, ...target, offerId: 0, ...momentOf(clock), ...noted });
      journal.note(label, instance.id);
    } catch (error) {
      throw stranded(instance, `instance ${instance.id} cannot be noted: ${(error as Error).message}`, false);
    }
    const outcome = await this.#wait(instance.id, clock.now(), unknown);
    if (outcome.ready) return this.#rented(outcome, offerId);
    // Something may have run on it, so it is not released here.
    const row = outcome.instance ?? instance;
    throw stranded(row, `instance ${row.id} of an earlier run is not ready: ${outcome.text}`, false);
  }

  /** Whoever rented it may have been killed before that was noted. */
  #noteTakenOver(instance: Instance): void {
    const { events } = this.#means;
    const { label: run, target } = this.#request;
    const { apiUrl, apiKeyFile } = target;
    const since = instance.startedAt === null ? {} : { since: Math.round(instance.startedAt * 1000) };
    const facts = { run, api: { apiUrl, apiKeyFile }, ...since, ...factsOfInstance(instance) };
    events?.noteFirst({ what: "rented", reason: "taken over", ...facts });
  }

  /** undefined = it did not come up, and is released. Throws when no other machine would do better. */
  async #bringUp(id: number, told: Told): Promise<Rented | undefined> {
    const since = this.#means.clock.now();
    let outcome: Outcome;
    try {
      outcome = await this.#wait(id, since, told);
    } catch (error) {
      // Vast refuses us: the machine must not be left behind.
      await this.#release(id, since);
      throw error;
    }
    const slice = told.machineId === null ? (outcome.instance ?? told) : told;
    note(this.#means, slice, this.#happening(outcome, since, told));
    if (outcome.ready) return this.#rented(outcome, told.offerId);
    await this.#giveUp(id, outcome);
    return undefined;
  }

  /** What the ledger notes of this machine; undefined = nothing can be said of it. */
  #happening(outcome: Outcome, since: number, told: Told): Happening | undefined {
    const { label, image, minutes } = this.#request;
    const now = this.#means.clock.now();
    if (outcome.ready) {
      // It is not known when an earlier run rented.
      if (told.machineId === null) return undefined;
      const pulledBytes = this.#pulledBytes(told.machineId);
      return readyAfter({ image, bootMs: now - since, pullMs: outcome.pullMs, pulledBytes });
    }
    const fair = patienceOf(Math.max(minutes.machine, FAIR_MINUTES), told.pullMinutes) * 60_000;
    const isHasty = now >= this.#patience(since, told) && now - since < fair;
    return isHasty ? undefined : happeningIn(outcome, [label, image]);
  }

  /** A machine that has layers already may pull less than all, or all again: then the time of its pull tells no speed. */
  #pulledBytes(machineId: number): number | null {
    const { bytes, onMachines } = this.#request.pull;
    return onMachines.has(machineId) ? null : bytes;
  }

  /** The time until which to wait for it; a large image gets more than the configured time. */
  #patience(since: number, { pullMinutes }: Pick<Told, "pullMinutes">): number {
    const least = since + patienceOf(0, pullMinutes) * 60_000;
    return Math.max(Math.min(since + this.#request.minutes.machine * 60_000, this.#deadline), least);
  }

  #wait(id: number, since: number, told: Pick<Told, "gpu" | "pullMinutes">): Promise<Outcome> {
    const { publicKeys, criteria, label } = this.#request;
    const deadline = this.#patience(since, told);
    const wanted = wantedOf(criteria, told.gpu);
    const { progress } = this.#means;
    // People who come back see that it is not the first one.
    const means = this.#givenUp === 0 ? this.#means : { ...this.#means, progress: this.#numbered(progress) };
    return awaitReady(means, {
      id,
      label,
      since,
      deadline,
      stoppedMs: STOPPED_MS,
      wanted,
      publicKey: publicKeys[0] ?? "",
    });
  }

  /** "machine 2: 2/6 image pull, 41 s" */
  #numbered(progress: Means["progress"]): Means["progress"] {
    return (text) => progress(`machine ${this.#givenUp + 1}: ${text}`);
  }

  async #rented(outcome: Outcome & { ready: true }, offerId: number | null): Promise<Rented> {
    const { instance, endpoint, hasFuse, twins } = outcome;
    await this.#armed;
    const { journal } = this.#means;
    // Kept ones were reported before; the others have come since we began.
    const isOurs = ({ id }: Instance) => !this.#kept.includes(id) && !journal.isOfAnother(id, this.#request.label);
    for (const twin of twins.filter(isOurs)) await this.#releaseTwin(twin);
    this.#means.events?.note({ what: "ready", run: this.#request.label, ...factsOfInstance(instance) });
    await this.#means.say(`instance ${instance.id} is ready`);
    if (!hasFuse)
      await this.#means.say(
        `no fuse on the machine: instance ${instance.id} has none of curl, wget and python3, and cannot end itself`,
      );
    return { instance, endpoint, offerId, ...(await this.#noted()) };
  }

  /** Never throws: the instance that is ready must get into the state. A destroy looks for the label again. */
  async #releaseTwin({ id, label, totalPerHour }: Instance): Promise<void> {
    const { say, journal } = this.#means;
    await say(`instance ${id} carries the same label and is released: a run has one instance`);
    try {
      await release(this.#means, id, { label, perHour: totalPerHour });
    } catch (error) {
      await say((error as Error).message);
      // The state will have the other one; the intent stays open for this one.
      if (label !== null) await said(say, () => journal.note(label, id));
    }
  }

  async #giveUp(id: number, { cause, text, instance }: Failed): Promise<void> {
    const why = `instance ${id} (machine ${instance?.machineId ?? "unknown"}): ${text}`;
    this.#means.events?.note({ what: "failed", run: this.#request.label, instance: id, reason: text });
    await this.#means.say(`${why}; it is released`);
    if (instance !== undefined && cause !== "called off") await this.#keepRemains(instance, text);
    await this.#release(id, instance === undefined ? this.#means.clock.now() : undefined, instance);
    if (cause === "image" || cause === "called off") throw this.#failure(why);
    // One host may have had too many pulls, or one row be wrong; after two, other machines would fail too.
    if ((cause === "limited" || cause === "terms") && this.#doubts.has(cause)) throw this.#failure(why);
    this.#doubts.add(cause);
    this.#queue.skip(instance?.machineId ?? null);
    this.#failures.push(why);
    this.#givenUp += 1;
  }

  async #keepRemains(instance: Instance, why: string): Promise<void> {
    const file = await keepRemains(this.#means, instance, why);
    if (file !== undefined) await this.#means.say(`the logs of instance ${instance.id} are kept in ${file}`);
  }

  async #release(id: number, rentedAt?: number, instance?: Instance): Promise<void> {
    const { label } = this.#request;
    const perHour = instance?.totalPerHour ?? this.#means.journal.find(label)?.perHour ?? null;
    // Else its delete job could be made after the jobs of the released instance were removed.
    await this.#armed;
    await releaseOrStrand(this.#means, id, { label, perHour, instance, rentedAt });
    this.#means.journal.closeInstance(id);
  }
}

/** Runs an action whose failure is only reported. */
async function said(say: Means["say"], action: () => void): Promise<void> {
  try {
    action();
  } catch (error) {
    await say((error as Error).message);
  }
}
