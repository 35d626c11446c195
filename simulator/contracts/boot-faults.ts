import { type Fault, numberOf, textOf } from "../faults/fault.ts";
import type { Link } from "../hosts/types.ts";
import type { BootPlan } from "./boot-plan.ts";

type BootFault = (fault: Fault) => BootPlan;

const FROZEN_PULL = "5c2bf2a3b1c6: Waiting\n7f1d3aa90c21: Downloading";

/** What can go wrong while a machine comes up. One entry is one fault. */
const BOOT_FAULTS: Readonly<Record<string, BootFault>> = {
  stuckNull: () => ({ stuckIn: "provisioning" }),
  stuckLoading: () => ({ stuckIn: "loading", statusMsg: FROZEN_PULL }),
  /** A healthy pull through a slow line: `minutes` longer, with an unchanged status message. */
  slowPull: (fault) => ({ pullLate: numberOf(fault, "minutes", 20) * 60, statusMsg: FROZEN_PULL }),
  ociFail: () => ({
    stuckIn: "created",
    statusMsg: "Error response from daemon: OCI runtime create failed: nvidia-container-cli: device error: unknown",
  }),
  /** Shows `words` of the host's daemon and stays `in` that state; goes on after `seconds`, if given. */
  hostSays: (fault) => saying(fault, textOf(fault, "words", "Error: GPU error, unable to start instance.")),
  /** The pull fails with `words` of a registry. */
  registrySays: (fault) => ({ pullError: textOf(fault, "words", "Error response from daemon: denied") }),
  imageNotFound: () => ({ pullError: "Error response from daemon: manifest for {image} not found: manifest unknown" }),
  pullDenied: () => ({
    pullError: "Error response from daemon: pull access denied for {image}, repository does not exist",
  }),
  pullLimit: () => ({
    pullError: "Error response from daemon: toomanyrequests: You have reached your pull rate limit",
  }),
  unexpectedEof: () => ({ pullError: "failed to register layer: unexpected EOF" }),
  noSpace: () => ({ pullError: "failed to register layer: write /usr/lib/x: no space left on device" }),
  exitedDuringBoot: () => ({ exits: Number.POSITIVE_INFINITY }),
  transientExited: (fault) => ({ exits: numberOf(fault, "seconds", 3) }),
  unknownDuringBoot: (fault) => ({ lost: [{ state: "unknown", seconds: numberOf(fault, "seconds", 60) }] }),
  hostOffline: () => ({ lost: [{ state: "offline", seconds: Number.POSITIVE_INFINITY }] }),
  unknownThenOffline: (fault) => ({
    lost: [
      { state: "unknown", seconds: numberOf(fault, "seconds", 60) },
      { state: "offline", seconds: Number.POSITIVE_INFINITY },
    ],
  }),
  diskUnderProvisioned: (fault) => ({ shown: { disk_space: numberOf(fault, "gigabytes", 20) } }),
  wrongGpuCount: (fault) => ({ shown: { num_gpus: numberOf(fault, "gpus", 2) } }),
  /** `fields` of the instance's answers, such as {"num_gpus": 1}. */
  misreport: ({ fields }) => ({ shown: fields as Readonly<Record<string, unknown>> }),
  portsLate: (fault) => ({ portsLate: numberOf(fault, "seconds", 10) }),
  portsMissing: () => ({ portsLate: Number.POSITIVE_INFINITY }),
  sshLate: (fault) => ({ sshLate: numberOf(fault, "seconds", 10) }),
  sshNever: () => ({ sshLate: Number.POSITIVE_INFINITY }),
  proxyLate: (fault) => ({ proxyLate: numberOf(fault, "seconds", 10) }),
  proxyNever: () => ({ proxyLate: Number.POSITIVE_INFINITY }),
  proxyDead: (fault) => ({ proxyLink: linkOf(fault, "drop") }),
  directDead: (fault) => ({ directLink: linkOf(fault, "blackhole") }),
  keyLate: (fault) => ({ keysLate: numberOf(fault, "seconds", 60) }),
  keyNever: () => ({ keysLate: Number.POSITIVE_INFINITY }),
  keyClobbered: (fault) => ({ keysClobbered: numberOf(fault, "seconds", 3) }),
  bannerNoise: () => ({ noise: true }),
  hostKeyChanged: () => ({ anew: true }),
  portChangesOnRestart: () => ({ portsMove: true }),
  nullAfterCreate: (fault) => ({ getLate: numberOf(fault, "seconds", 5) }),
  listLag: (fault) => ({ listLate: numberOf(fault, "seconds", 5) }),
};

export const BOOT_FAULT_NAMES: readonly string[] = Object.keys(BOOT_FAULTS);

/** All of them together make one plan. */
export function bootPlan(faults: readonly Fault[]): BootPlan {
  return Object.assign({}, ...faults.map((fault) => BOOT_FAULTS[fault.do]?.(fault)));
}

function saying(fault: Fault, statusMsg: string): BootPlan {
  if (typeof fault.seconds === "number") return { statusMsg, pullLate: fault.seconds };
  return { statusMsg, stuckIn: textOf(fault, "in", "created") === "loading" ? "loading" : "created" };
}

/** The fault's `link`: in which way the port is dead. */
function linkOf(fault: Fault, otherwise: Link): Link {
  const link = textOf(fault, "link", otherwise);
  return link === "closed" || link === "blackhole" || link === "drop" ? link : otherwise;
}
