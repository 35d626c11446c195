import { parseListing } from "../../components/checkpoints/manifest.ts";
import { recordOf } from "../../components/checkpoints/store/record.ts";
import type { Events } from "../../components/events/events.ts";
import { openStateDir } from "../../components/lib/state-dir.ts";
import { printable } from "../../components/lib/text.ts";
import { figuresScript, manifestScript } from "../../components/remote/scripts.ts";
import { runScript } from "../../components/ssh/run-script.ts";
import type { ApiTarget } from "../../components/vast/client/api.ts";
import type { VastClient } from "../../components/vast/client/client.ts";
import { phaseOf } from "../../components/vast/client/phase.ts";
import { ensureSameAccount } from "../../components/vast/client/same-account.ts";
import type { Instance } from "../../components/vast/client/wire.ts";
import { knowsNoJobs, leaseEnd } from "../../components/vast/lease/lease.ts";
import { onDemandOfInstance } from "../../components/vast/market/on-demand.ts";
import { Prices } from "../../components/vast/market/prices.ts";
import type { Terminal } from "../command/command.ts";
import { readStack, resourceOf, type Stack } from "../fleet/stack.ts";
import { enterMachine, recordedInstance } from "../machine/machine.ts";
import { recordedCheckpoints } from "../machine/sync.ts";
import { clientUntil } from "./client.ts";
import type { Facts, Key } from "./facts.ts";
import { figuresIn } from "./figures.ts";
import { rentalOf } from "./known.ts";
import { savedAtHome, savedOn } from "./saved.ts";

/** How long each may take, milliseconds: the others do not wait for it. */
const BOUND_MS: Readonly<Record<Key, number>> = {
  instance: 15_000,
  market: 20_000,
  lease: 15_000,
  machine: 20_000,
  saved: 40_000,
};
/** How old an answer may be before a later round asks again, milliseconds: searches are few, and listings are work. */
const EVERY_MS: Readonly<Record<Key, number>> = {
  instance: 0,
  market: 300_000,
  lease: 60_000,
  machine: 0,
  saved: 60_000,
};
const NOW = { instance: 0, market: 0, lease: 0, machine: 0, saved: 0 };
/** How long to look for a login. */
const LOGIN_MS = 10_000;

/** Hears of each answer, or of why there is none. */
export type Tell = <K extends Key>(key: K, news: Facts[K]) => void;

/** Where a run's machine is. */
interface Target {
  readonly id: number;
  readonly api: ApiTarget;
}

/** Asks Vast, the machine and the folder at home about a run, side by side. */
export class Asker {
  readonly #terminal: Terminal;
  readonly #log: Events;
  readonly #stack: string;
  /** The state; read once, as long as it can be, and anew when the run has another machine. */
  #state: Promise<Stack> | undefined;
  #machine: number | undefined;
  #rounds = 0;

  constructor(stack: string, terminal: Terminal, log: Events) {
    this.#stack = stack;
    this.#terminal = terminal;
    this.#log = log;
  }

  /** Asks whatever is not fresh. Never throws; each answer is told when it comes. */
  async round(facts: Facts, tell: Tell, signal: AbortSignal): Promise<void> {
    const rental = rentalOf(facts);
    const state = this.#read(rental?.id);
    const target = rental ?? (await within(BOUND_MS.instance, signal, () => state).then(targetIn, () => undefined));
    // What an earlier command has seen may have changed, but the market's answer is shared.
    const look = new Look(facts, tell, signal, this.#rounds++ === 0 ? { ...NOW, market: EVERY_MS.market } : EVERY_MS);
    if (target === undefined) {
      if (facts.events.length === 0) await look.at("instance", () => state.then(nothingThere));
      await look.at("saved", async () => atHome(facts, undefined));
      return;
    }
    const longest = AbortSignal.timeout(Math.max(...Object.values(BOUND_MS)));
    const client = once(() => clientUntil(AbortSignal.any([signal, longest]), target.api, this.#terminal.env));
    const instance = look.at("instance", async () => ({
      value: await this.#seen(client(), target, state, upAt(facts)),
    }));
    const login = once((until: AbortSignal) => this.#login(client(), state, until));
    await Promise.all([
      instance.then((answer) => this.#market(look, client, answer?.value)),
      look.at("lease", async () => ({ value: await leaseOf(client(), target.id) })),
      look.at("machine", async (until) => {
        const said = await runScript(await login(until), figuresScript(), until);
        return { value: figuresIn(said.toString("utf8")) };
      }),
      look.at("saved", async (until) => {
        const known = await login(until).catch(() => undefined);
        return known === undefined ? atHome(facts, await state.catch(() => undefined)) : savedBy(known, until);
      }),
    ]);
  }

  #read(machine: number | undefined): Promise<Stack> {
    const { cwd, env } = this.#terminal;
    if (machine !== this.#machine) this.#state = undefined;
    this.#machine = machine;
    this.#state ??= readStack(cwd, env, this.#stack);
    this.#state.catch(() => {
      this.#state = undefined;
    });
    return this.#state;
  }

  /** The instance as Vast has it; what the log has not heard of it is noted. */
  async #seen(client: VastClient, { id }: Target, state: Promise<Stack>, upAt?: number): Promise<Instance | "gone"> {
    const row = (await client.instance(id)) ?? (await client.instances()).find((one) => one.id === id);
    if (row === undefined) {
      const known = await state.catch(() => undefined);
      const { accountId, keyFingerprint } = (known && resourceOf(known, "instance")?.outputs) ?? {};
      const renter = { accountId: textIn(accountId), keyFingerprint: textIn(keyFingerprint) };
      await ensureSameAccount(client, { what: `instance ${id}`, name: id }, renter, this.#terminal.env);
    }
    this.#log.noteSeen(id, row, upAt);
    return row ?? "gone";
  }

  async #market(look: Look, open: () => VastClient, row: Instance | "gone" | undefined): Promise<void> {
    if (row === undefined || row === "gone") return;
    await look.at("market", async () => {
      const client = open();
      const prices = new Prices(openStateDir(this.#terminal.env).pricesDir, client.apiUrl);
      const found = await onDemandOfInstance({ client, prices }, row);
      return { value: { onDemand: found?.perHour ?? null } };
    });
  }

  async #login(client: VastClient, state: Promise<Stack>, signal: AbortSignal) {
    const stack = await state;
    const recorded = recordedInstance(stack, this.#stack);
    return enterMachine({ stack, recorded, client }, this.#terminal.env, { deadline: Date.now() + LOGIN_MS, signal });
  }
}

/** When the machine was last seen to run; undefined = it was not. */
function upAt({ instance: { value, at } }: Facts): number | undefined {
  return value !== undefined && value !== "gone" && phaseOf(value).phase === "ready" ? at : undefined;
}

type Machine = Awaited<ReturnType<typeof enterMachine>>;

async function savedBy(machine: Machine, signal: AbortSignal): Promise<Facts["saved"]> {
  const { from, home } = recordedCheckpoints(machine.stack);
  const { files } = parseListing(await runScript(machine, manifestScript(from, false), signal));
  return { value: savedOn(files, recordOf(home)) };
}

/** What is home, as of when it was verified. */
function atHome({ events, run }: Facts, state: Stack | undefined): Facts["saved"] {
  const noted = events.findLast((event) => event.run === run && event.home !== undefined)?.home;
  const home = noted ?? textIn(state && resourceOf(state, "checkpoints")?.outputs.home);
  const record = home === "" ? undefined : recordOf(home);
  if (record === undefined) throw new Error("none is home, and the machine does not say what it has");
  return { value: savedAtHome(home, record), at: Date.parse(record.verifiedAt) };
}

/** null where Vast has no jobs for this key. */
function leaseOf(client: VastClient, id: number): Promise<number | null> {
  return leaseEnd(client, id).catch((error) => {
    if (knowsNoJobs(error)) return null;
    throw error;
  });
}

function targetIn(stack: Stack): Target | undefined {
  if (resourceOf(stack, "instance") === undefined) return undefined;
  const { instanceId, api } = recordedInstance(stack, undefined);
  return { id: instanceId, api };
}

function nothingThere(): Facts["instance"] {
  return {};
}

function textIn(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** Several looks share one client, and one login. */
function once<Args extends unknown[], T>(action: (...args: Args) => T): (...args: Args) => T {
  let made: { readonly value: T } | undefined;
  return (...args) => {
    made ??= { value: action(...args) };
    return made.value;
  };
}

/** Asks for one thing after another of the same facts, each within its bound. */
class Look {
  readonly #facts: Facts;
  readonly #tell: Tell;
  readonly #signal: AbortSignal;
  readonly #every: Readonly<Record<Key, number>>;

  constructor(facts: Facts, tell: Tell, signal: AbortSignal, every: Readonly<Record<Key, number>>) {
    this.#facts = facts;
    this.#tell = tell;
    this.#signal = signal;
    this.#every = every;
  }

  /** Answers with what is known now; undefined = nothing. What is fresh is not asked. */
  async at<K extends Key>(key: K, action: (until: AbortSignal) => Promise<Facts[K]>): Promise<Facts[K] | undefined> {
    const before = this.#facts[key];
    if (before.why === undefined && Date.now() - (before.at ?? 0) < this.#every[key]) return before;
    try {
      const answer = { at: Date.now(), ...(await within(BOUND_MS[key], this.#signal, action)) };
      this.#tell(key, answer);
      return answer;
    } catch (error) {
      if (!this.#signal.aborted) this.#tell(key, { ...before, why: printable((error as Error).message) });
      return undefined;
    }
  }
}

/** Ends the action by its signal, and rejects, when it takes longer. */
function within<T>(milliseconds: number, signal: AbortSignal, action: (until: AbortSignal) => Promise<T>): Promise<T> {
  const until = AbortSignal.any([signal, AbortSignal.timeout(milliseconds)]);
  const late = new Promise<never>((_, reject) => {
    until.addEventListener("abort", () => reject(new Error(`no answer within ${milliseconds / 1000} s`)));
  });
  return Promise.race([action(until), late]);
}
