import type { Contract } from "../contracts/contract.ts";
import { type Fault, numberOf } from "../faults/fault.ts";
import type { Link } from "../hosts/types.ts";
import { ledger, stopWhenBroke, type World } from "./world.ts";

type Arguments = Readonly<Record<string, unknown>>;
type Mishap = (world: World, contract: Contract, args: Arguments) => void;

/** What can happen to a machine that is up. One entry is one mishap. `forSeconds` = how long it lasts. */
const MISHAPS: Readonly<Record<string, Mishap>> = {
  /** Somebody bids more: `perHour`, default ours plus a tenth. */
  outbid: (world, contract, args) => {
    const perHour = numberOf(args, "perHour", (contract.bid ?? contract.onDemandPerHour) * 1.1);
    occupy(world, contract, { kind: "bid", perHour }, args);
  },
  /** Somebody rents the slice on demand. */
  preempt: (world, contract, args) => occupy(world, contract, { kind: "on-demand" }, args),
  /** Whoever took the slice gives it up. */
  release: ({ life }, { offer }) => {
    offer.ask.tenant = undefined;
    life.settle(offer.machine);
  },
  /** The host stops it, and nothing starts it again. */
  stop: ({ life }, contract) => life.drop(contract, "host"),
  /** Vast no longer knows the instance. */
  vanish: ({ life }, contract) => life.vanish(contract),
  crash: ({ life }, contract) => life.crash(contract),
  reboot: ({ life }, contract) => life.reboot(contract),
  unknown: ({ life }, contract, args) => life.lose(contract, "unknown", duration(args)),
  offline: ({ life }, contract, args) => life.lose(contract, "offline", duration(args)),
  expire: ({ life, clock }, contract) => {
    contract.endAt = Math.min(contract.endAt, clock.now());
    life.drop(contract, "expired");
  },
  /** nvidia-smi finds no GPU any more. */
  gpuLost: ({ life }, contract) => life.loseGpus(contract),
  /** The container is made anew: files lost, another host key. */
  recycle: ({ life }, contract) => life.recycle(contract),
  /** Vast's launcher writes authorized_keys from its own list, which lacks our keys. */
  keysClobbered: ({ life }, contract) => life.clobberKeys(contract),
  /** Every open ssh session breaks; new ones come through. */
  sshCut: ({ life }, contract) => life.cut(contract),
  /** The host multiplies its price by `factor`, default 1.5. */
  priceRise: ({ life }, contract, args) =>
    life.reprice(contract, contract.onDemandPerHour * numberOf(args, "factor", 1.5)),
  /** The account's credit is used up, and Vast stops all its machines. */
  zeroBalance: (world) => {
    world.account.paidIn = ledger(world).total;
    stopWhenBroke(world);
  },
  /** Changes one port: `which` is direct or proxy, `link` is closed, blackhole, drop or open. */
  link: ({ life }, contract, args) =>
    life.link(contract, args.which === "proxy" ? "proxy" : "direct", linkNamed(args.link)),
};

export const MISHAP_NAMES: readonly string[] = Object.keys(MISHAPS);

/** Can only happen to a machine rented by a bid. */
const ONLY_BIDS = new Set(["outbid", "preempt"]);
/** Cannot happen to a machine rented by a bid. */
const NO_BIDS = new Set(["priceRise"]);

/** Makes a mishap happen now; the answer says why it cannot. */
export function happen(world: World, contract: Contract, name: string, args: Arguments): string | undefined {
  const mishap = MISHAPS[name];
  if (mishap === undefined) return `an instance can ${MISHAP_NAMES.join(", ")}, not ${name}`;
  if (ONLY_BIDS.has(name) && contract.bid === null)
    return `instance ${contract.id} is rented on demand: nobody can take its GPUs`;
  if (NO_BIDS.has(name) && contract.bid !== null) return `instance ${contract.id} costs what is bid for it`;
  mishap(world, contract, args);
  return undefined;
}

/** A fault of kind "run": `afterSeconds` of running. */
export function schedule(world: World, contract: Contract, fault: Fault): void {
  world.life.later(contract, numberOf(fault, "afterSeconds", 0), () => {
    const problem = happen(world, contract, fault.do, fault);
    if (problem !== undefined) world.log(problem);
  });
}

function occupy(world: World, contract: Contract, tenant: Contract["offer"]["ask"]["tenant"], args: Arguments): void {
  const { ask, machine } = contract.offer;
  ask.tenant = tenant;
  world.life.settle(machine);
  const seconds = duration(args);
  if (seconds === undefined) return;
  world.clock.after(seconds * 1000, () => {
    if (ask.tenant === tenant) ask.tenant = undefined;
    world.life.settle(machine);
  });
}

function linkNamed(name: unknown): Link {
  return name === "open" || name === "closed" || name === "drop" ? name : "blackhole";
}

function duration(args: Arguments): number | undefined {
  return typeof args.forSeconds === "number" ? args.forSeconds : undefined;
}
