import { z } from "zod";
import { oneLine, printable } from "../../lib/text.ts";

// What Vast sends, as tolerant as is safe: unknown fields pass, a field of a wrong type counts as missing, and only what
// nothing can be done without is required.

/** null = missing, or of a wrong type. */
function orNull<T>(kind: z.ZodType<T>) {
  return kind
    .nullish()
    .catch(null)
    .transform((value) => value ?? null);
}

const id = z.int().positive();
const ids = orNull(id);
const number = orNull(z.number());
const yes = orNull(z.boolean()).transform((value) => value === true);
/** Longer than any text that decisions compare, so none of those is ever cut. */
const LONGEST = 2000;
const text = orNull(z.string()).transform((value) => (value === null ? null : oneLine(value, LONGEST) || null));
/** The same; "" = missing. */
const textOrEmpty = text.transform((value) => value ?? "");
/** What a host may write as it likes, and only people read. */
const words = orNull(z.string()).transform((value) => (value === null ? null : printable(value) || null));
const LONGEST_MESSAGE = 64 * 1024;
/** Read line by line, and printable only where it is shown. */
const message = orNull(z.string()).transform((value) => value?.slice(0, LONGEST_MESSAGE).trim() ?? "");

type Row = Readonly<Record<string, unknown>>;
/** Reads one thing of a row. Throws ZodError when it is required and not there. */
type Column<T> = (row: Row) => T;
type Read<Columns> = { readonly [Name in keyof Columns]: Columns[Name] extends Column<infer T> ? T : never };

function at<T>(name: string, kind: z.ZodType<T>): Column<T> {
  return (row) => kind.parse(row[name]);
}

/** The first of these columns that says something. */
function firstOf<T>(names: readonly string[], kind: z.ZodType<T | null>): Column<T | null> {
  return (row) => names.map((name) => kind.parse(row[name])).find((value) => value !== null) ?? null;
}

/** Reads rows: these columns and nothing else. undefined = one that lacks what is required. */
function reader<Columns extends Readonly<Record<string, Column<unknown>>>>(columns: Columns) {
  const entries = Object.entries(columns);
  return (row: unknown): Read<Columns> | undefined => {
    if (typeof row !== "object" || row === null || Array.isArray(row)) return undefined;
    try {
      return Object.fromEntries(entries.map(([name, column]) => [name, column(row as Row)])) as Read<Columns>;
    } catch (error) {
      if (error instanceof z.ZodError) return undefined;
      throw error;
    }
  };
}

const offerColumns = {
  id: at("id", id),
  machineId: at("machine_id", id),
  hostId: at("host_id", ids),
  gpu: at(
    "gpu_name",
    z.string().transform((name) => oneLine(name)),
  ),
  gpus: at("num_gpus", id),
  /** Price of the GPUs: the minimum bid in a search for interruptible offers, else the on-demand price. */
  gpuPerHour: at("dph_base", z.number()),
  /** Smallest bid that wins now. */
  minBid: at("min_bid", number),
  /** GPUs and the disk asked for in the search. */
  totalPerHour: at("dph_total", z.number()),
  /** The disk asked for in the search, $/h, as Vast counts it. */
  diskPerHour: at("storage_total_cost", number),
  /** $/GB/month. */
  storageCost: at("storage_cost", number),
  diskGb: at("disk_space", number),
  downloadMbps: at("inet_down", number),
  /** $/GB, of the dearer direction. */
  trafficPerGb: (row: Row) => dearer(number.parse(row.inet_down_cost), number.parse(row.inet_up_cost)),
  directPorts: at("direct_port_count", number),
  reliability: firstOf(["reliability2", "reliability"], number),
  verified: at(
    "verification",
    text.transform((word) => word === "verified"),
  ),
  rentable: at("rentable", yes),
  external: at("external", yes),
  /** It offers virtual machines. */
  vms: at("vms_enabled", yes),
  datacenter: at(
    "hosting_type",
    number.transform((type) => type === 1),
  ),
  /** Seconds the machine stays on the market. */
  durationSeconds: at("duration", number),
  location: at("geolocation", words),
};

function dearer(down: number | null, up: number | null): number | null {
  return down === null && up === null ? null : Math.max(down ?? 0, up ?? 0);
}

/** An offer of the market, as we read it. Prices in $/h for the whole slice. */
export type Offer = Read<typeof offerColumns>;

/** undefined = a row that lacks what an offer needs. */
export const offerFromWire = reader(offerColumns);

const mapping = z.looseObject({ HostPort: z.coerce.number().int() });
const portMap = orNull(z.looseObject({ "22/tcp": z.array(mapping).nullish() })).transform(
  (ports) => ports?.["22/tcp"]?.[0]?.HostPort ?? null,
);

const instanceColumns = {
  id: at("id", id),
  label: at("label", text),
  machineId: at("machine_id", ids),
  hostId: at("host_id", ids),
  actualStatus: at("actual_status", text),
  intendedStatus: at("intended_status", text),
  curState: at("cur_state", text),
  nextState: at("next_state", text),
  /** As it came, up to 64 KiB, with its lines; empty when Vast says nothing. Not printable. */
  statusMsg: at("status_msg", message),
  image: at("image_uuid", text),
  gpu: at("gpu_name", text),
  gpus: at("num_gpus", number),
  diskGb: at("disk_space", number),
  isBid: at("is_bid", orNull(z.boolean())),
  /** Smallest bid that keeps it. */
  minBid: at("min_bid", number),
  /** The standing bid of an interruptible instance, else the on-demand price. */
  gpuPerHour: at("dph_base", number),
  diskPerHour: at("storage_total_cost", number),
  totalPerHour: at("dph_total", number),
  location: at("geolocation", words),
  reliability: at("reliability2", number),
  /** Unix seconds. */
  startedAt: at("start_date", number),
  /** Unix seconds; the rental ends then. */
  endsAt: at("end_date", number),
  runtype: at("image_runtype", textOrEmpty),
  publicIp: at("public_ipaddr", text),
  /** Host port behind port 22 of the container; null until published. */
  directPort: at("ports", portMap),
  proxyHost: at("ssh_host", text),
  proxyPort: at("ssh_port", orNull(z.coerce.number().int())),
};

/** An instance (the wire calls it contract), as we read it. Strings but `statusMsg` are printable, prices in $/h. */
export type Instance = Read<typeof instanceColumns>;

/** undefined = a row without an id. */
export const instanceFromWire = reader(instanceColumns);

/** An account id is text to us, so digits may come as a number or as text. */
const accountId = orNull(z.union([id, z.string().regex(/^[1-9]\d*$/)])).transform((value) =>
  value === null ? null : String(value),
);

const accountColumns = {
  id: at("id", accountId),
  email: at("email", text),
  /** Dollars that can be spent; null when Vast does not say. */
  credit: at("credit", number),
};

/** Who pays. */
export type Account = Read<typeof accountColumns>;

/** undefined = not an account. The answer may hold the API key: nothing else of it is kept. */
export const accountFromWire = reader(accountColumns);

const keyColumns = {
  id: at("id", id),
  publicKey: (row: Row) => firstOf(["public_key", "key", "ssh_key"], text)(row) ?? "",
};

/** A public key of the account. */
export type AccountKey = Read<typeof keyColumns>;

export const accountKeyFromWire = reader(keyColumns);

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

const chargeColumns = {
  /** null = it is for something else. */
  instance: at(
    "source",
    z.string().transform((source) => Number(/^instance-(\d{1,15})$/.exec(source)?.[1] ?? 0) || null),
  ),
  dollars: at("amount", z.number()),
  label: at(
    "metadata",
    orNull(z.looseObject({ label: text })).transform((metadata) => metadata?.label ?? null),
  ),
};

/** A sum that Vast has charged, for a day or for all of a rental. It lags by minutes to hours. */
export type Charge = Read<typeof chargeColumns>;

/** undefined = a row without a source or an amount. */
export const chargeFromWire = reader(chargeColumns);
export const chargesPage = z.looseObject({ results: z.array(z.unknown()), next_token: z.string().nullish() });

const jobColumns = {
  id: at("id", id),
  /** Path of the call that it makes. */
  endpoint: at("api_endpoint", textOrEmpty),
  method: at("request_method", textOrEmpty),
  body: at(
    "request_body",
    orNull(z.record(z.string(), z.unknown())).transform((body) => body ?? {}),
  ),
  frequency: at("frequency", textOrEmpty),
  /** 0 = Sunday. */
  day: at("day_of_the_week", number),
  /** UTC. */
  hour: at("hour_of_the_day", number),
  minute: at("min_of_the_hour", number),
};

/** A scheduled job: a call that Vast makes by itself, with a key of its own. */
export type ScheduledJob = Read<typeof jobColumns>;

/** undefined = a row without an id. */
export const jobFromWire = reader(jobColumns);
export const jobList = z.array(z.unknown());
