import { isLeaving } from "../../components/vast/client/phase.ts";
import {
  type CheckedInputs,
  type InstanceOutputs,
  outputsOf,
  refreshed,
  rentedAtLatest,
} from "../../components/vast/instance/instance.outputs.ts";
import { planOf } from "../../components/vast/instance/plan.ts";
import { isStranded, keptText, unsureText } from "../../components/vast/journal/trouble.ts";
import type { Means } from "../../components/vast/ready/means.ts";
import { release, whatIsLeft } from "../../components/vast/rental/release.ts";
import { rent } from "../../components/vast/rental/rental.ts";
import { resume } from "../../components/vast/rental/resume.ts";
import { noGate, releaseAll } from "../../components/vast/rental/settle.ts";
import { label, request as usual } from "../support/request.ts";

/** What renting and releasing are; a broken program has others. */
export interface Verbs {
  readonly rent: typeof rent;
  readonly resume: typeof resume;
  readonly release: typeof release;
  readonly releaseAll: typeof releaseAll;
}

export const realVerbs: Verbs = { rent, resume, release, releaseAll };

/** As usual, with less patience: what lasts for half an hour costs thousands of calls, and shows nothing more. */
const request = { ...usual, minutes: { machine: 6, total: 12 } };

const INPUTS: CheckedInputs = {
  ...request.criteria,
  ...request.target,
  label,
  image: request.image,
  publicKeys: [...request.publicKeys],
  sshKeyFile: "",
  readyTimeoutMinutes: request.minutes,
  quote: null,
};

/** What Pulumi keeps. The label is in it from the beginning until a destroy has gone through. */
export interface State {
  readonly hasLabel: boolean;
  readonly instance: InstanceOutputs | undefined;
}

export const COMMANDS = ["up", "refresh", "destroy"] as const;
export type Command = (typeof COMMANDS)[number];

/** What a command does with the state, and an error if it came to one. A command that is killed leaves the state as it was. */
export interface Outcome {
  readonly state: State;
  readonly error?: Error;
  /** Nothing was done and nothing can be said of the machine: Vast could not be asked, or is just taking it down. */
  readonly isUnseen?: boolean;
}

/**
 * The order in which Pulumi calls the providers of RunIdentity and VastInstance, without Pulumi. `keep` hears of each
 * state that is on disk before the command is over.
 */
export class Stack {
  readonly #verbs: Verbs;

  constructor(verbs: Verbs) {
    this.#verbs = verbs;
  }

  async run(command: Command, means: Means, state: State, keep: (state: State) => void): Promise<Outcome> {
    if (command === "destroy") return this.#destroy(means, state, keep);
    if (command === "refresh") return this.#refresh(means, state);
    return this.#up(means, { ...state, hasLabel: true }, keep);
  }

  async #up(means: Means, state: State, keep: (state: State) => void): Promise<Outcome> {
    keep(state);
    const { instance } = state;
    if (instance === undefined) return this.#made(state, () => this.#rent(means));
    means.journal.closeInstance(Number(instance.instanceId));
    const plan = planOf(instance, INPUTS);
    if (plan.replaces.length > 0) {
      const error = await this.#delete(means, instance);
      if (error !== undefined) return { state, error };
      const without = { ...state, instance: undefined };
      keep(without);
      return this.#made(without, () => this.#rent(means));
    }
    if (plan.changes) return this.#made(state, () => this.#update(means, instance));
    return this.#unchanged(means, state, Number(instance.instanceId));
  }

  /** An up that has nothing to do looks whether the machine is there, if Vast can be asked. */
  async #unchanged(means: Means, state: State, id: number): Promise<Outcome> {
    const row = await whatIsLeft(means, id).catch(() => "unseen" as const);
    if (row === undefined) return { state, error: gone(id) };
    return { state, isUnseen: row === "unseen" || isLeaving(row) };
  }

  /** What is thrown as stranded gets into the state. */
  async #made(state: State, make: () => Promise<InstanceOutputs>): Promise<Outcome> {
    try {
      return { state: { ...state, instance: await make() } };
    } catch (error) {
      if (!isStranded(error)) return { state, error: error as Error };
      const blank = outputsOf(error.instance, INPUTS, error.givenUp ? { phase: "failed" } : {});
      const { sshHost, sshPort, hostKey: key, startedAt, offerId } = state.instance ?? blank;
      return { state: { ...state, instance: { ...blank, sshHost, sshPort, hostKey: key, startedAt, offerId } }, error };
    }
  }

  async #rent(means: Means): Promise<InstanceOutputs> {
    const { instance, endpoint, offerId } = await this.#verbs.rent(means, request);
    return outputsOf(instance, INPUTS, { endpoint, offerId, startedAt: "then" });
  }

  async #update(means: Means, olds: InstanceOutputs): Promise<InstanceOutputs> {
    const instance = await seen(means, olds).catch((error: Error) => {
      throw new Error(`${error.message}; ${keptText(olds.instanceId, olds.label, olds.pricePerHour)}`);
    });
    if (instance === undefined) throw gone(olds.instanceId);
    const asked = { label, criteria: request.criteria, minutes: request.minutes.machine };
    const back = await this.#verbs.resume(means, { ...asked, instance, publicKey: request.publicKeys[0] ?? "" });
    return outputsOf(back.instance, INPUTS, { endpoint: back.endpoint, startedAt: "then" });
  }

  async #refresh(means: Means, state: State): Promise<Outcome> {
    const { instance } = state;
    if (instance === undefined) return { state };
    try {
      const row = await seen(means, instance);
      means.journal.closeInstance(Number(instance.instanceId));
      return { state: { ...state, instance: row && refreshed(instance, row) } };
    } catch (error) {
      return { state, error: error as Error };
    }
  }

  async #destroy(means: Means, state: State, keep: (state: State) => void): Promise<Outcome> {
    if (!state.hasLabel) return { state };
    const error = state.instance && (await this.#delete(means, state.instance));
    if (error !== undefined) return { state, error };
    const without = { ...state, instance: undefined };
    keep(without);
    try {
      await this.#verbs.releaseAll(means, label, noGate);
      return { state: { hasLabel: false, instance: undefined } };
    } catch (reason) {
      return { state: without, error: new Error(unsureText(label, (reason as Error).message)) };
    }
  }

  async #delete(means: Means, instance: InstanceOutputs): Promise<Error | undefined> {
    const id = Number(instance.instanceId);
    const rentedAt = rentedAtLatest(instance, means.clock.now());
    try {
      await this.#verbs.release(means, id, { label, perHour: instance.pricePerHour, rentedAt });
      means.journal.closeInstance(id);
      return undefined;
    } catch (error) {
      return error as Error;
    }
  }
}

async function seen(means: Means, olds: InstanceOutputs) {
  const id = Number(olds.instanceId);
  return (await means.client.instance(id)) ?? whatIsLeft(means, id, rentedAtLatest(olds, means.clock.now()));
}

/** Words of the error that tells of `pulumi up --refresh`. */
export const GONE = "is gone at Vast; pulumi up --refresh";

function gone(id: number | string): Error {
  return new Error(`instance ${id} ${GONE} rents a new one`);
}
