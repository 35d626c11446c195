import type { Call } from "./answer.ts";
import { vastError } from "./errors.ts";

/** What to rent an offer with. */
export interface RentOrder {
  readonly image: string;
  /** Secret. Left out where everybody may pull the image. */
  readonly imageLogin?: string;
  readonly label: string;
  readonly diskGb: number;
  /** A virtual machine, in which Docker can run. Default: a container. */
  readonly vm?: boolean;
  /** $/h for the whole slice; null rents on-demand. */
  readonly bidPerHour: number | null;
  /** Environment of the container's first process; keys that begin with "-" are docker flags. No secrets. */
  readonly env: Readonly<Record<string, string>>;
  /** Shell text run at each start of the container, under 4000 characters. No secrets. */
  readonly onstart: string;
}

/** The order in Vast's words. */
export function rentRequestBody(order: RentOrder): unknown {
  return {
    client_id: "me",
    image: order.image,
    ...(order.imageLogin === undefined ? {} : { image_login: order.imageLogin }),
    label: order.label,
    disk: order.diskGb,
    env: order.env,
    onstart: order.onstart,
    // Both endpoints: a direct port, and Vast's relay for hosts whose ports are broken.
    runtype: "ssh_direc ssh_proxy",
    ...(order.vm === true ? { vm: true } : {}),
    price: order.bidPerHour,
    target_state: "running",
    // Fail instead of leaving a stopped instance that bills for its disk.
    cancel_unavail: true,
  };
}

const MAX_ENV_BYTES = 32 * 1024;
const MAX_ONSTART = 4000;

/** Throws `invalid` for what Vast would refuse only after the offer was found. */
export function checkOrder(call: Call, order: RentOrder): void {
  const env = Buffer.byteLength(JSON.stringify(order.env));
  if (env >= MAX_ENV_BYTES) throw vastError("invalid", `${call.path}: env has ${env} bytes, Vast takes 32 KiB`);
  if (order.onstart.length > MAX_ONSTART) {
    throw vastError(
      "invalid",
      `${call.path}: onstart has ${order.onstart.length} characters, Vast takes ${MAX_ONSTART}`,
    );
  }
}

/** A scheduled job: a call that Vast makes by itself. Field names are Vast's. */
export interface JobOrder {
  readonly api_endpoint: string;
  readonly request_method: "DELETE" | "PUT";
  readonly request_body: Readonly<Record<string, unknown>>;
  readonly instance_id: number;
  readonly frequency: "WEEKLY";
  /** 0 = Sunday. */
  readonly day_of_the_week: number;
  readonly hour_of_the_day: number;
  /** Unix seconds. */
  readonly start_time: number;
  readonly end_time: number;
}

/** A call by its template: Vast's paths, the list of instances excepted, begin with /api/v0. */
export function endpoint(
  method: Call["method"],
  template: string,
  id?: number,
): Pick<Call, "method" | "path" | "template"> {
  return { method, template, path: `/api/v0${template.replace("{id}", String(id))}` };
}

/** A call that changes nothing. */
export function read(template: string, id?: number): Call {
  return { ...endpoint("GET", template, id), idempotent: true };
}

/** A PUT that may be repeated: it names the state to reach. */
export function write(template: string, id: number): Call {
  return { ...endpoint("PUT", template, id), idempotent: true };
}

/** The list lives in v1: the one of v0 is retired and answers 410. */
export const LIST: Call = { method: "GET", template: "/instances/", path: "/api/v1/instances/", idempotent: true };

/** What Vast has charged for instances from a day on. @param since milliseconds since 1970 */
export function chargesQuery(since: number, token: string | undefined): Record<string, string> {
  const day = Math.floor(since / 86_400_000) * 86_400;
  const filters = JSON.stringify({ day: { gte: day }, type: { in: ["instance"] } });
  return {
    select_filters: filters,
    limit: "500",
    format: "table",
    ...(token === undefined ? {} : { after_token: token }),
  };
}

/** 25 rows is the most a page can have. */
export function pageQuery(token: string | undefined): Record<string, string> {
  const order = JSON.stringify([{ col: "id", dir: "asc" }]);
  return { limit: "25", order_by: order, ...(token === undefined ? {} : { after_token: token }) };
}
