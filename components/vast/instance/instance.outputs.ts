import type { Endpoint } from "../../ssh/endpoint.ts";
import { type PhaseName, phaseOf } from "../client/phase.ts";
import type { Renter } from "../client/same-account.ts";
import type { Instance } from "../client/wire.ts";
import type { Rental } from "../market/criteria.ts";
import type { Quote } from "../market/quote.ts";
import { endpoints } from "../ready/endpoints.ts";
import type { VastInstanceInputs } from "./instance.ts";

/** The checked inputs: what the program says, and what a preview promised. */
export interface CheckedInputs extends VastInstanceInputs {
  readonly quote: Quote | null;
}

/** What the instance was asked to be. Compared with the inputs of later runs; what Vast says may differ. */
export type Asked = Pick<
  VastInstanceInputs,
  "gpu" | "gpus" | "rental" | "diskGb" | "image" | "label" | "apiUrl" | "apiKeyFile"
>;

/** The state of a VastInstance. Later versions must read what earlier ones wrote; those lack the fingerprint. */
export interface InstanceOutputs extends Renter {
  readonly schemaVersion: 1;
  readonly instanceId: string;
  readonly label: string;
  readonly offerId: string;
  readonly machineId: string;
  readonly gpu: string;
  readonly gpus: number;
  readonly rental: Rental;
  readonly pricePerHour: number;
  /** As it was when the machine got ready. */
  readonly rentedPerHour: number;
  readonly bidPerHour: number | null;
  readonly diskGb: number;
  readonly sshHost: string;
  readonly sshPort: number;
  readonly hostKey: string;
  readonly phase: PhaseName;
  readonly startedAt: string;
  readonly location: string | null;
  readonly endsAt: string | null;
  readonly quote: Quote | null;
  readonly image: string;
  readonly apiUrl: string;
  readonly apiKeyFile: string;
  readonly asked: Asked;
  /** Older states lack it. */
  readonly sshKeyFile?: string;
  /** Older states lack it. */
  readonly labDir?: string;
  /** It was given up before it ever got ready, so no step of ours has begun on it. Older states lack it. */
  readonly untouched?: boolean;
  /** The row on which a destroy shows its progress. */
  readonly __urn?: string;
}

/** What is known beside Vast's own words. */
export interface Known extends Partial<Renter> {
  readonly endpoint?: Endpoint & { readonly hostKey: string };
  /** The offer that was rented; null = not known. */
  readonly offerId?: number | null;
  readonly urn?: string | undefined;
  /** ISO time at which it got ready; default "" = never. */
  readonly startedAt?: string;
  /** When Vast's words do not tell it: a machine that was given up, and could not be released. */
  readonly phase?: PhaseName;
  /** Default false. */
  readonly untouched?: boolean;
}

/** The outputs of an instance that was rented for these inputs. */
export function outputsOf(instance: Instance, inputs: CheckedInputs, known: Known): InstanceOutputs {
  const { gpu, gpus, rental, diskGb, image, label, apiUrl, apiKeyFile, sshKeyFile, labDir, quote } = inputs;
  const asked = { gpu, gpus, rental, diskGb, image, label, apiUrl, apiKeyFile };
  const blank: InstanceOutputs = {
    schemaVersion: 1,
    instanceId: String(instance.id),
    label,
    offerId: known.offerId ? String(known.offerId) : "",
    machineId: "",
    gpu,
    gpus,
    rental,
    pricePerHour: quote?.totalPerHour ?? 0,
    rentedPerHour: quote?.totalPerHour ?? 0,
    bidPerHour: quote?.bidPerHour ?? null,
    diskGb,
    sshHost: known.endpoint?.host ?? "",
    sshPort: known.endpoint?.port ?? 0,
    hostKey: known.endpoint?.hostKey ?? "",
    phase: "unknown",
    startedAt: known.startedAt ?? "",
    location: null,
    endsAt: null,
    accountId: known.accountId ?? "",
    keyFingerprint: known.keyFingerprint ?? "",
    quote,
    image,
    apiUrl,
    apiKeyFile,
    asked,
    sshKeyFile,
    ...(labDir === undefined ? {} : { labDir }),
    ...(known.untouched === true ? { untouched: true } : {}),
    ...(known.urn === undefined ? {} : { __urn: known.urn }),
  };
  const told = refreshed(blank, instance);
  return {
    ...told,
    rentedPerHour: told.pricePerHour,
    ...(known.endpoint === undefined ? {} : { sshHost: blank.sshHost, sshPort: blank.sshPort }),
    ...(known.phase === undefined ? {} : { phase: known.phase }),
  };
}

/** The same outputs with what Vast says now; what it does not say stays as it was. */
export function refreshed(old: InstanceOutputs, instance: Instance): InstanceOutputs {
  const isBid = instance.isBid ?? old.rental === "interruptible";
  return {
    ...old,
    label: instance.label ?? "",
    machineId: instance.machineId === null ? old.machineId : String(instance.machineId),
    gpu: instance.gpu ?? old.gpu,
    gpus: instance.gpus ?? old.gpus,
    rental: isBid ? "interruptible" : "on-demand",
    pricePerHour: instance.totalPerHour ?? old.pricePerHour,
    bidPerHour: isBid ? (instance.gpuPerHour ?? old.bidPerHour) : null,
    diskGb: instance.diskGb ?? old.diskGb,
    ...movedEndpoint(old, instance),
    phase: phaseOf(instance).phase,
    location: instance.location ?? old.location,
    endsAt: instance.endsAt === null ? old.endsAt : new Date(instance.endsAt * 1000).toISOString(),
  };
}

/** The way in that was used so far, where it is now; a stopped machine publishes none. */
function movedEndpoint({ sshHost, sshPort }: InstanceOutputs, instance: Instance) {
  const { direct, proxy } = endpoints(instance);
  const usesProxy = proxy !== undefined && proxy.host === sshHost && proxy.port === sshPort;
  const now = usesProxy ? proxy : (direct ?? (sshHost === "" ? proxy : undefined));
  return { sshHost: now?.host ?? sshHost, sshPort: now?.port ?? sshPort };
}
