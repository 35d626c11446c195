import type { FaultBook } from "../faults/book.ts";
import type { Fault } from "../faults/fault.ts";
import type { Hosts, Link } from "../hosts/types.ts";
import type { Machine } from "../market/machine.ts";
import { Agenda, type AgendaContext } from "./agenda.ts";
import { Boot } from "./boot.ts";
import { bill, type Contract, type DownReason } from "./contract.ts";
import type { Contracts } from "./contracts.ts";
import { HostWork } from "./host-work.ts";
import { mayRun, waits } from "./occupancy.ts";
import { factsOf } from "./state.ts";

export interface LifeContext extends AgendaContext {
  readonly hosts: Hosts;
  readonly contracts: Contracts;
  readonly faults: FaultBook;
  /** Called for each fault that is scripted for a machine that has come up. */
  readonly mishap: (contract: Contract, fault: Fault) => void;
}

/** Moves contracts through their states, with the machines behind them. */
export class Life {
  readonly #contracts: Contracts;
  readonly #agenda: Agenda;
  readonly #work: HostWork;
  readonly #boot: Boot;

  constructor(context: LifeContext, apiUrl: () => string) {
    this.#contracts = context.contracts;
    this.#agenda = new Agenda(context);
    this.#work = new HostWork(context.hosts, apiUrl, context.log);
    this.#boot = new Boot({
      ...context,
      agenda: this.#agenda,
      work: this.#work,
      exited: (contract) => this.crash(contract),
      expired: (contract) => this.drop(contract, "expired"),
    });
  }

  /** A new contract that has its GPUs. */
  boot(contract: Contract): void {
    this.#boot.first(contract);
  }

  /** A new contract without GPUs: its disk is billed. Waits for GPUs unless it was ordered stopped. */
  shelve(contract: Contract, reason: "asked" | "unavailable"): void {
    contract.visibleAt = this.#agenda.now() + this.#agenda.seconds("visible") * 1000;
    contract.listedAt = contract.visibleAt;
    contract.down = reason;
    this.#agenda.move(contract, "stopped");
  }

  /** The user's stop: takes some time, and only the user starts the machine again. */
  stop(contract: Contract): void {
    const wasUp = factsOf(contract.state).holdsGpus;
    this.#agenda.newErrand(contract);
    contract.down = "asked";
    this.#agenda.move(contract, wasUp ? "stopping" : "stopped");
    if (!wasUp) return;
    this.#work.stop(contract);
    const seconds = contract.stopSeconds ?? this.#agenda.seconds("stop");
    this.#agenda.later(contract, seconds, () => this.#stopped(contract));
  }

  async #stopped(contract: Contract): Promise<void> {
    const { errand } = contract;
    await contract.work;
    if (contract.errand !== errand) return;
    this.#agenda.move(contract, "stopped");
    this.settle(contract.offer.machine);
  }

  /** Stopped from outside: at once, and every process dies. The disk stays. */
  drop(contract: Contract, reason: DownReason): void {
    this.#agenda.newErrand(contract);
    contract.down = reason;
    this.#agenda.move(contract, reason === "expired" ? "expired" : "stopped");
    this.#work.stop(contract);
  }

  /** Stops it because the account's credit is used up. */
  stopForCredit(contract: Contract): void {
    if (factsOf(contract.state).holdsGpus) this.drop(contract, "credit");
  }

  /** true = it starts; false = its GPUs are taken, and it queues. */
  start(contract: Contract): boolean {
    if (!mayRun(this.#contracts, contract)) {
      this.queue(contract);
      return false;
    }
    this.#boot.again(contract);
    this.settle(contract.offer.machine);
    return true;
  }

  /** Down, and up again as soon as its GPUs are free. */
  queue(contract: Contract): void {
    this.#agenda.newErrand(contract);
    this.#agenda.move(contract, "queued");
  }

  /** The container stops and starts in place; the GPUs are kept. */
  reboot(contract: Contract): void {
    this.#boot.plan(contract);
    this.#agenda.move(contract, "rebooting");
    this.#work.stop(contract);
    if (contract.plan.portsMove) this.#work.reroll(contract);
    this.#agenda.later(contract, this.#agenda.seconds("reboot"), () => this.#boot.comeUp(contract));
  }

  /** The container is made anew; its files are lost, the GPUs are kept. */
  recycle(contract: Contract): void {
    this.#boot.plan(contract);
    this.#work.destroy(contract);
    this.#boot.load(contract, "load");
  }

  destroy(contract: Contract): void {
    this.#agenda.newErrand(contract);
    contract.meter.addGpu(this.#agenda.tailSeconds() / 3600);
    this.#agenda.move(contract, "destroying");
    this.#work.destroy(contract);
    const seconds = contract.destroySeconds ?? this.#agenda.seconds("destroy");
    this.#agenda.later(contract, seconds, () => this.#destroyed(contract));
    this.settle(contract.offer.machine);
  }

  /** The contract is gone only after its last process has ended. */
  async #destroyed(contract: Contract): Promise<void> {
    const { errand } = contract;
    await contract.work;
    if (contract.errand === errand) this.vanish(contract);
  }

  /** The contract is gone at once, whoever ended it. */
  vanish(contract: Contract): void {
    this.#agenda.newErrand(contract);
    this.#work.destroy(contract);
    contract.destroyedAt = this.#agenda.now();
    this.#agenda.move(contract, "gone");
    this.settle(contract.offer.machine);
  }

  /** The container ended by itself. */
  crash(contract: Contract): void {
    this.#agenda.newErrand(contract);
    this.#agenda.move(contract, "crashed");
    this.#work.stop(contract);
  }

  /** Vast hears nothing of the host; offline = it has given the host up. Comes back after `seconds`, if given. */
  lose(contract: Contract, state: "unknown" | "offline", seconds?: number): void {
    this.#agenda.newErrand(contract);
    this.#agenda.move(contract, state);
    this.link(contract, "direct", "blackhole");
    this.link(contract, "proxy", "blackhole");
    if (seconds !== undefined) this.#agenda.later(contract, seconds, () => this.#boot.connect(contract));
  }

  link(contract: Contract, which: "direct" | "proxy", link: Link): void {
    this.#work.link(contract, which, link);
  }

  /** Open connections break; new ones work. */
  cut(contract: Contract): void {
    this.#work.cut(contract);
  }

  loseGpus(contract: Contract): void {
    this.#work.loseGpus(contract);
  }

  clobberKeys(contract: Contract): void {
    void this.#work.clobberKeys(contract);
  }

  /** The host changes the price of an on-demand rental. */
  reprice(contract: Contract, perHour: number): void {
    contract.onDemandPerHour = perHour;
    bill(contract, this.#agenda.now());
  }

  rebid(contract: Contract, perHour: number): void {
    contract.bid = perHour;
    this.#agenda.list(contract);
    bill(contract, this.#agenda.now());
    this.settle(contract.offer.machine);
  }

  /** Attached keys reach the machine a moment later. */
  keysChanged(contract: Contract): void {
    this.#agenda.later(contract, this.#agenda.seconds("attach"), () => this.#work.authorize(contract));
  }

  /** Stops contracts that have lost their GPUs and starts those that can have them, the highest bid first. */
  settle(machine: Machine): void {
    const here = this.#contracts.on(machine.id).toSorted((one, other) => rank(one) - rank(other));
    for (const contract of here)
      if (factsOf(contract.state).holdsGpus && !mayRun(this.#contracts, contract)) this.drop(contract, "outbid");
    for (const contract of here.toReversed())
      if (waits(contract) && mayRun(this.#contracts, contract)) this.#boot.again(contract);
  }

  /** A step of the present errand, so many seconds from now. */
  later(contract: Contract, seconds: number, step: () => void): void {
    this.#agenda.later(contract, seconds, step);
  }

  logs(contract: Contract, tail: number): Promise<string> {
    return this.#work.logs(contract, tail);
  }

  /** Cancels every alarm, and waits until no machine is being worked on. */
  async close(): Promise<void> {
    const all = this.#contracts.all();
    for (const contract of all) this.#agenda.newErrand(contract);
    await Promise.all(all.map(({ work }) => work));
  }
}

/** On demand outranks every bid. */
function rank({ bid }: Contract): number {
  return bid ?? Number.POSITIVE_INFINITY;
}
