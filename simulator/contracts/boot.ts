import type { FaultBook } from "../faults/book.ts";
import type { Fault } from "../faults/fault.ts";
import type { Hosts } from "../hosts/types.ts";
import type { Agenda } from "./agenda.ts";
import { bootPlan } from "./boot-faults.ts";
import type { Contract } from "./contract.ts";
import type { HostWork } from "./host-work.ts";
import { pulling, running } from "./status-msg.ts";

export interface BootContext {
  readonly agenda: Agenda;
  readonly hosts: Hosts;
  readonly work: HostWork;
  readonly faults: FaultBook;
  /** Called for each fault that is scripted for a machine that has come up. */
  readonly mishap: (contract: Contract, fault: Fault) => void;
  /** Called when a container ends as soon as it has started. */
  readonly exited: (contract: Contract) => void;
  /** Called when the time of a rental is over. */
  readonly expired: (contract: Contract) => void;
}

/** Most hosts have these already. */
const COMMON_IMAGE = /^(docker\.io\/)?(vastai|pytorch)\//;

/** How often a faulty launcher overwrites authorized_keys. */
const CLOBBER_SECONDS = 1;

/** Brings a contract from rented to running, and from stopped to running again. */
export class Boot {
  readonly #context: BootContext;
  /** "machine image" for every image that a machine has pulled. */
  readonly #pulled = new Set<string>();

  constructor(context: BootContext) {
    this.#context = context;
  }

  /** A new errand, and what goes wrong in it. */
  plan(contract: Contract): void {
    const { agenda, faults } = this.#context;
    agenda.newErrand(contract);
    contract.down = undefined;
    contract.plan = bootPlan(faults.takeAll({ on: "boot", ...occasionOf(contract) }));
  }

  /** A new contract that has its GPUs. */
  first(contract: Contract): void {
    const { agenda } = this.#context;
    this.plan(contract);
    const { getLate = 0, listLate = 0, stuckIn } = contract.plan;
    const seen = agenda.now() + agenda.seconds("visible") * 1000;
    contract.visibleAt = seen + getLate * 1000;
    contract.listedAt = seen + listLate * 1000;
    agenda.move(contract, "provisioning");
    if (stuckIn === "provisioning") return;
    const report = agenda.seconds("report");
    agenda.later(contract, report * 0.8, () => this.#created(contract, report * 0.2));
  }

  #created(contract: Contract, seconds: number): void {
    const { agenda } = this.#context;
    const { stuckIn, statusMsg = null } = contract.plan;
    agenda.move(contract, "created");
    if (stuckIn === "created") contract.statusMsg = statusMsg;
    else agenda.later(contract, seconds, () => this.load(contract, "load"));
  }

  /** A machine that was up before: same files, other ports. */
  again(contract: Contract): void {
    this.plan(contract);
    if (contract.plan.anew) this.#context.work.destroy(contract);
    this.#context.work.reroll(contract);
    this.load(contract, contract.host === undefined ? "load" : "start");
  }

  /** @param step "load" = the image is pulled first, "start" = it is there */
  load(contract: Contract, step: "load" | "start"): void {
    const { agenda, work } = this.#context;
    const { plan, order, offer } = contract;
    const [silence, ...more] = plan.lost ?? [];
    if (silence !== undefined) {
      contract.plan = { ...plan, lost: more };
      agenda.move(contract, silence.state);
      agenda.later(contract, silence.seconds, () => this.load(contract, step));
      return;
    }
    agenda.move(contract, "loading");
    contract.statusMsg = plan.statusMsg ?? pulling(order.image);
    if (plan.stuckIn === "loading") return;
    const error = this.#pullError(contract);
    const seconds = agenda.seconds(step) + (step === "load" ? this.#pullSeconds(contract) : 0) + (plan.pullLate ?? 0);
    if (error !== undefined) {
      agenda.later(contract, seconds / 2, () => this.#failPull(contract, error));
      return;
    }
    work.prepare(contract);
    agenda.later(contract, seconds, () => {
      this.#pulled.add(`${offer.machine.id} ${order.image}`);
      return this.comeUp(contract);
    });
  }

  async comeUp(contract: Contract): Promise<void> {
    const { errand } = contract;
    const failure = await this.#context.work.start(contract);
    if (contract.errand !== errand) return;
    if (failure !== undefined) {
      this.#failPull(contract, `Error response from daemon: ${failure}`);
      return;
    }
    const { exits, ...plan } = contract.plan;
    if (exits !== undefined) {
      this.#context.exited(contract);
      contract.plan = plan;
      this.#context.agenda.later(contract, exits, () => this.comeUp(contract));
      return;
    }
    contract.statusMsg = running(contract.order);
    this.connect(contract);
  }

  /** Running: the ports, sshd and the relay come one after the other, each in its own time. */
  connect(contract: Contract): void {
    const { agenda, work, faults, mishap, expired } = this.#context;
    const { portsLate = 0, sshLate = 0, proxyLate = 0 } = contract.plan;
    agenda.move(contract, "running");
    work.breakLinks(contract);
    this.#clobberKeys(contract);
    agenda.later(contract, agenda.seconds("ports") + portsLate, () => {
      contract.portsPublished = true;
    });
    agenda.later(contract, agenda.seconds("sshd") + sshLate, () => work.openDirect(contract));
    agenda.later(contract, agenda.seconds("proxy") + proxyLate, () => work.openProxy(contract));
    agenda.later(contract, (contract.endAt - agenda.now()) / 1000, () => expired(contract));
    for (const fault of faults.takeAll({ on: "run", ...occasionOf(contract) })) mishap(contract, fault);
  }

  /** As Vast's launcher does: overwrites the file from its own list, so that keys added by others are lost. */
  #clobberKeys(contract: Contract): void {
    const { agenda, work } = this.#context;
    const { keysLate = 0, keysClobbered } = contract.plan;
    if (keysClobbered !== undefined) agenda.later(contract, keysClobbered, () => work.clobberKeys(contract));
    if (keysLate === 0) return;
    const until = agenda.now() + keysLate * 1000;
    const again = (): Promise<void> => {
      if (agenda.now() >= until) return work.authorize(contract);
      agenda.later(contract, CLOBBER_SECONDS, again);
      return work.clobberKeys(contract);
    };
    void again();
  }

  #pullError({ plan, order }: Contract): string | undefined {
    if (plan.pullError !== undefined) return plan.pullError.replace("{image}", order.image);
    const verdict = this.#context.hosts.image(order.image);
    return verdict.ok ? undefined : verdict.statusMsg;
  }

  /** A failed pull stays failed until the contract is destroyed. */
  #failPull(contract: Contract, error: string): void {
    this.#context.agenda.move(contract, "image_error");
    contract.statusMsg = `${error}\n`;
    contract.daemonLog.push(error);
  }

  #pullSeconds({ offer, order }: Contract): number {
    const missing = this.#missingMb(offer.machine.id, order.image);
    return missing === 0 ? 0 : this.#context.agenda.pullSeconds(missing, offer.machine.down);
  }

  /** MB of an image that the machine has not. */
  #missingMb(machineId: number, image: string): number {
    const verdict = this.#context.hosts.image(image);
    if (!verdict.ok || COMMON_IMAGE.test(image) || this.#pulled.has(`${machineId} ${image}`)) return 0;
    const { compressedMb, base } = verdict;
    const below = base === undefined ? undefined : this.#context.hosts.image(base);
    if (base === undefined || !below?.ok) return compressedMb;
    return compressedMb - below.compressedMb + this.#missingMb(machineId, base);
  }
}

function occasionOf({ id, offer }: Contract) {
  return { instanceId: id, offerId: offer.ask.id, machineId: offer.machine.id };
}
