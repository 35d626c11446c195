import { z } from "zod";
import { pick } from "../../lib/values.ts";
import type { Endpoint } from "../../ssh/endpoint.ts";
import { apiTarget } from "../client/api.ts";
import { type PhaseName, phaseOf } from "../client/phase.ts";
import type { Renter } from "../client/same-account.ts";
import type { Instance } from "../client/wire.ts";
import { type Quote, quoteShape } from "../market/quote.ts";
import { endpoints } from "../ready/endpoints.ts";
import { instanceInputs, type VastInstanceInputs } from "./instance.inputs.ts";

/** The checked inputs: what the program says, and what a preview promised. */
export interface CheckedInputs extends VastInstanceInputs {
  readonly quote: Quote | null;
}

/** Inputs whose change needs another machine. */
export const hardInputs = instanceInputs.pick({
  gpu: true,
  gpus: true,
  rental: true,
  diskGb: true,
  image: true,
  label: true,
  apiUrl: true,
});

/** What the instance was asked to be. Compared with the inputs of later runs; what Vast says may differ. */
const asked = hardInputs.extend(apiTarget.shape);

export type Asked = Readonly<z.output<typeof asked>>;

/** What a program sees of an instance. */
export const shownOutputs = z.object({
  /** Digits. */
  instanceId: z.string(),
  /** As it is at Vast. */
  label: z.string(),
  /** "" when a machine of an earlier run was taken over. */
  offerId: z.string(),
  machineId: z.string(),
  /** In Vast's spelling. */
  gpu: z.string(),
  gpus: z.number(),
  rental: quoteShape.shape.rental,
  /** $/h, disk included. */
  pricePerHour: z.number(),
  /**
   * $/h, disk included, when it was rented or last started by us. A refresh does not change it, so dependents use this
   * one.
   */
  rentedPerHour: z.number(),
  /** $/h without disk; null when on-demand. */
  bidPerHour: z.number().nullable(),
  diskGb: z.number(),
  /** Where the login worked last. Moves when the machine restarts: ask the API before a connection of your own. */
  sshHost: z.string(),
  sshPort: z.number(),
  /** `type base64`, seen at the first login; "" = nobody could log in yet. */
  hostKey: z.string(),
  phase: z.custom<PhaseName>(),
  /**
   * ISO time at which it last got ready for us. A new time means that whatever ran on it has ended, even at the same
   * address.
   */
  startedAt: z.string(),
  location: z.string().nullable(),
  /** ISO time at which the rental ends by itself; null when Vast does not say. */
  endsAt: z.string().nullable(),
  /** Id of the account that rented it; "" = not known. To another account's key it looks as if it were gone. */
  accountId: z.string(),
  /** Fingerprint of the key that rented it or last refreshed it; no secret. Older states lack it. */
  keyFingerprint: z.string(),
  /** What the preview promised; null when the market could not be asked. */
  quote: quoteShape.readonly().nullable(),
});

/** The state of a VastInstance. Later versions must read what earlier ones wrote. */
const instanceOutputs = z.object({
  ...shownOutputs.shape,
  ...asked.pick({ image: true, apiUrl: true, apiKeyFile: true }).shape,
  schemaVersion: z.literal(1),
  asked: asked.readonly(),
  /** Older states lack it. */
  sshKeyFile: z.string().exactOptional(),
  /** Older states lack it. */
  labDir: z.string().exactOptional(),
  /** It was given up before it ever got ready, so no step of ours has begun on it. Older states lack it. */
  untouched: z.boolean().exactOptional(),
  /** The row on which a destroy shows its progress. */
  __urn: z.string().exactOptional(),
});

export type InstanceOutputs = Readonly<z.output<typeof instanceOutputs>>;

/** What we know of an instance and Vast does not say. */
export interface Known extends Partial<Renter> {
  readonly endpoint?: Endpoint & { readonly hostKey: string };
  /** The offer that was rented; null = not known. */
  readonly offerId?: number | null;
  readonly urn?: string | undefined;
  /** ISO time at which it got ready; default "" = never. */
  readonly startedAt?: string;
  /** Given when Vast's words do not tell it: a machine that was given up, and could not be released. */
  readonly phase?: PhaseName;
  /** Default false. */
  readonly untouched?: boolean;
}

/** The outputs of an instance that was rented for these inputs. */
export function outputsOf(instance: Instance, inputs: CheckedInputs, known: Known): InstanceOutputs {
  const { sshKeyFile, labDir, quote } = inputs;
  const own: Asked = pick(inputs, asked.keyof().options);
  const blank: InstanceOutputs = {
    schemaVersion: 1,
    ...own,
    asked: own,
    instanceId: String(instance.id),
    offerId: known.offerId ? String(known.offerId) : "",
    machineId: "",
    pricePerHour: quote?.totalPerHour ?? 0,
    rentedPerHour: quote?.totalPerHour ?? 0,
    bidPerHour: quote?.bidPerHour ?? null,
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

/**
 * When it may have been rented at the latest, milliseconds: one that Vast has never shown may be as new as this moment,
 * and is looked for until it must be visible. undefined = long ago.
 */
export function rentedAtLatest({ machineId }: Pick<InstanceOutputs, "machineId">, now: number): number | undefined {
  return machineId === "" ? now : undefined;
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

/** The endpoint used so far (direct or proxy), at its present address; a stopped machine publishes none. */
function movedEndpoint({ sshHost, sshPort }: InstanceOutputs, instance: Instance) {
  const { direct, proxy } = endpoints(instance);
  const usesProxy = proxy !== undefined && proxy.host === sshHost && proxy.port === sshPort;
  const now = usesProxy ? proxy : (direct ?? (sshHost === "" ? proxy : undefined));
  return { sshHost: now?.host ?? sshHost, sshPort: now?.port ?? sshPort };
}
