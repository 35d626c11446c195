import { z } from "zod";
import { oneLine, printable } from "../../lib/text.ts";

// What Vast sends, as tolerant as is safe: unknown fields pass, a field of a wrong type counts as missing, and only what
// nothing can be done without is required.

const number = z
  .number()
  .nullish()
  .catch(null)
  .transform((value) => value ?? null);
const boolean = z
  .boolean()
  .nullish()
  .catch(null)
  .transform((value) => value ?? null);
/** Longer than anything that is compared: nothing is decided by a text that was cut. */
const LONGEST = 2000;
const text = z
  .string()
  .nullish()
  .catch(null)
  .transform((value) => (value == null ? null : oneLine(value, LONGEST) || null));
/** What a host may write as it likes, and only people read. */
const words = z
  .string()
  .nullish()
  .catch(null)
  .transform((value) => (value == null ? null : printable(value) || null));
const LONGEST_MESSAGE = 64 * 1024;
/** Read line by line, and printable only where it is shown. */
const message = z
  .string()
  .nullish()
  .catch(null)
  .transform((value) => value?.slice(0, LONGEST_MESSAGE).trim() ?? "");
const id = z.int().positive();
const ids = id
  .nullish()
  .catch(null)
  .transform((value) => value ?? null);

/** An offer of the market, as we read it. Prices in $/h for the whole slice. */
export interface Offer {
  readonly id: number;
  readonly machineId: number;
  readonly hostId: number | null;
  readonly gpu: string;
  readonly gpus: number;
  /** Price of the GPUs: the minimum bid in a search for interruptible offers, else the on-demand price. */
  readonly gpuPerHour: number;
  /** Smallest bid that wins now. */
  readonly minBid: number | null;
  /** GPUs and the disk asked for in the search. */
  readonly totalPerHour: number;
  /** The disk asked for in the search, $/h, as Vast counts it. */
  readonly diskPerHour: number | null;
  /** $/GB/month. */
  readonly storageCost: number | null;
  readonly diskGb: number | null;
  readonly downloadMbps: number | null;
  /** $/GB, of the dearer direction. */
  readonly trafficPerGb: number | null;
  readonly directPorts: number | null;
  readonly reliability: number | null;
  readonly verified: boolean;
  readonly rentable: boolean;
  readonly external: boolean;
  /** It offers virtual machines. */
  readonly vms: boolean;
  readonly datacenter: boolean;
  /** Seconds the machine stays on the market. */
  readonly durationSeconds: number | null;
  readonly location: string | null;
}

const offerRow = z.looseObject({
  id,
  machine_id: id,
  host_id: ids,
  gpu_name: z.string(),
  num_gpus: z.int().positive(),
  dph_base: z.number(),
  dph_total: z.number(),
  min_bid: number,
  storage_total_cost: number,
  storage_cost: number,
  disk_space: number,
  inet_down: number,
  inet_down_cost: number,
  inet_up_cost: number,
  direct_port_count: number,
  reliability: number,
  reliability2: number,
  verification: text,
  rentable: boolean,
  external: boolean,
  vms_enabled: boolean,
  hosting_type: number,
  duration: number,
  geolocation: words,
});

/** undefined = a row that lacks what an offer needs. */
export function offerFromWire(row: unknown): Offer | undefined {
  const wire = offerRow.safeParse(row).data;
  if (wire === undefined) return undefined;
  return {
    id: wire.id,
    machineId: wire.machine_id,
    hostId: wire.host_id,
    gpu: oneLine(wire.gpu_name),
    gpus: wire.num_gpus,
    gpuPerHour: wire.dph_base,
    minBid: wire.min_bid,
    totalPerHour: wire.dph_total,
    diskPerHour: wire.storage_total_cost,
    storageCost: wire.storage_cost,
    diskGb: wire.disk_space,
    downloadMbps: wire.inet_down,
    trafficPerGb: dearer(wire.inet_down_cost, wire.inet_up_cost),
    directPorts: wire.direct_port_count,
    reliability: wire.reliability2 ?? wire.reliability,
    verified: wire.verification === "verified",
    rentable: wire.rentable === true,
    external: wire.external === true,
    vms: wire.vms_enabled === true,
    datacenter: wire.hosting_type === 1,
    durationSeconds: wire.duration,
    location: wire.geolocation,
  };
}

function dearer(down: number | null, up: number | null): number | null {
  return down === null && up === null ? null : Math.max(down ?? 0, up ?? 0);
}

/** An instance (the wire calls it contract), as we read it. Strings but `statusMsg` are printable, prices in $/h. */
export interface Instance {
  readonly id: number;
  readonly label: string | null;
  readonly machineId: number | null;
  readonly hostId: number | null;
  readonly actualStatus: string | null;
  readonly intendedStatus: string | null;
  readonly curState: string | null;
  readonly nextState: string | null;
  /** As it came, up to 64 KiB, with its lines; empty when Vast says nothing. Not printable. */
  readonly statusMsg: string;
  readonly image: string | null;
  readonly gpu: string | null;
  readonly gpus: number | null;
  readonly diskGb: number | null;
  readonly isBid: boolean | null;
  /** Smallest bid that keeps it. */
  readonly minBid: number | null;
  /** The standing bid of an interruptible instance, else the on-demand price. */
  readonly gpuPerHour: number | null;
  readonly diskPerHour: number | null;
  readonly totalPerHour: number | null;
  readonly location: string | null;
  readonly reliability: number | null;
  /** Unix seconds. */
  readonly startedAt: number | null;
  /** Unix seconds; the rental ends then. */
  readonly endsAt: number | null;
  readonly runtype: string;
  readonly publicIp: string | null;
  /** Host port behind port 22 of the container; null until published. */
  readonly directPort: number | null;
  readonly proxyHost: string | null;
  readonly proxyPort: number | null;
}

const mapping = z.looseObject({ HostPort: z.coerce.number().int() });
const portMap = z
  .looseObject({ "22/tcp": z.array(mapping).nullish() })
  .nullish()
  .catch(null)
  .transform((ports) => ports?.["22/tcp"]?.[0]?.HostPort ?? null);

const instanceRow = z.looseObject({
  id,
  label: text,
  machine_id: ids,
  host_id: ids,
  actual_status: text,
  intended_status: text,
  cur_state: text,
  next_state: text,
  status_msg: message,
  image_uuid: text,
  image_runtype: text,
  gpu_name: text,
  num_gpus: number,
  disk_space: number,
  is_bid: boolean,
  min_bid: number,
  dph_base: number,
  dph_total: number,
  storage_total_cost: number,
  geolocation: words,
  reliability2: number,
  start_date: number,
  end_date: number,
  public_ipaddr: text,
  ports: portMap,
  ssh_host: text,
  ssh_port: z.coerce.number().int().nullish().catch(null),
});

/** undefined = a row without an id. */
export function instanceFromWire(row: unknown): Instance | undefined {
  const wire = instanceRow.safeParse(row).data;
  if (wire === undefined) return undefined;
  return {
    id: wire.id,
    label: wire.label,
    machineId: wire.machine_id,
    hostId: wire.host_id,
    actualStatus: wire.actual_status,
    intendedStatus: wire.intended_status,
    curState: wire.cur_state,
    nextState: wire.next_state,
    statusMsg: wire.status_msg,
    image: wire.image_uuid,
    gpu: wire.gpu_name,
    gpus: wire.num_gpus,
    diskGb: wire.disk_space,
    isBid: wire.is_bid,
    minBid: wire.min_bid,
    gpuPerHour: wire.dph_base,
    diskPerHour: wire.storage_total_cost,
    totalPerHour: wire.dph_total,
    location: wire.geolocation,
    reliability: wire.reliability2,
    startedAt: wire.start_date,
    endsAt: wire.end_date,
    runtype: wire.image_runtype ?? "",
    publicIp: wire.public_ipaddr,
    directPort: wire.ports,
    proxyHost: wire.ssh_host,
    proxyPort: wire.ssh_port ?? null,
  };
}

/** Who pays. */
export interface Account {
  readonly id: string | null;
  readonly email: string | null;
  /** Dollars that can be spent; null when Vast does not say. */
  readonly credit: number | null;
}

/** It names an account and is never counted with, so digits may come as a number or as text. */
const accountId = z
  .union([id, z.string().regex(/^[1-9]\d*$/)])
  .nullish()
  .catch(null)
  .transform((value) => (value == null ? null : String(value)));

const accountBody = z.looseObject({ id: accountId, email: text, credit: number });

/** undefined = not an account. The answer may hold the API key: nothing else of it is kept. */
export function accountFromWire(body: unknown): Account | undefined {
  const wire = accountBody.safeParse(body).data;
  return wire && { id: wire.id, email: wire.email, credit: wire.credit };
}

/** A public key of the account. */
export interface AccountKey {
  readonly id: number;
  readonly publicKey: string;
}

const keyRow = z.looseObject({ id, public_key: text, key: text, ssh_key: text });

export function accountKeyFromWire(row: unknown): AccountKey | undefined {
  const wire = keyRow.safeParse(row).data;
  return wire && { id: wire.id, publicKey: wire.public_key ?? wire.key ?? wire.ssh_key ?? "" };
}

export const offersBody = z.looseObject({ offers: z.array(z.unknown()) });
export const gpuNamesBody = z.looseObject({ gpu_names: z.array(z.string()) });
export const rentBody = z.looseObject({ new_contract: id });
export const logsBody = z.looseObject({ result_url: z.url() });
/** One instance under a plural name; null and [] = no such instance. */
export const instanceBody = z.looseObject({
  instances: z.union([z.null(), z.tuple([]), z.looseObject({ id }), z.tuple([z.looseObject({ id })])]),
});
export const instancePage = z.looseObject({
  instances: z.array(z.unknown()),
  total_instances: number,
  instances_found: number,
  next_token: z.string().nullish(),
});

const scheduledJob = z
  .looseObject({
    id,
    api_endpoint: text,
    request_method: text,
    request_body: z.record(z.string(), z.unknown()).nullish().catch(null),
    frequency: text,
    day_of_the_week: number,
    hour_of_the_day: number,
    min_of_the_hour: number,
  })
  .transform((job) => ({
    id: job.id,
    /** Path of the call that it makes. */
    endpoint: job.api_endpoint ?? "",
    method: job.request_method ?? "",
    body: job.request_body ?? {},
    frequency: job.frequency ?? "",
    /** 0 = Sunday. */
    day: job.day_of_the_week,
    /** UTC. */
    hour: job.hour_of_the_day,
    minute: job.min_of_the_hour,
  }));
/** A call that Vast makes by itself, with a key of its own. */
export type ScheduledJob = z.output<typeof scheduledJob>;
export const jobList = z.array(scheduledJob);
