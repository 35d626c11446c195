import type { Order } from "../contracts/contract.ts";
import type { Offer } from "../market/machine.ts";
import { type Answer, refusal } from "./answer.ts";

/** A rental's body, checked. */
export interface Wanted {
  readonly order: Order;
  readonly label: string | null;
  /** $/h; null = on demand. */
  readonly bid: number | null;
  /** Refuse instead of leaving a stopped contract when it cannot start now. */
  readonly orNothing: boolean;
  /** Rent it stopped. */
  readonly stopped: boolean;
}

/** Thrown by the checks, caught by the route. */
export class Refused extends Error {
  readonly answer: Answer;
  constructor(answer: Answer) {
    super("refused");
    this.answer = answer;
  }
}

/** An action's answer, or its refusal. */
export function refusing(action: () => Answer): Answer {
  try {
    return action();
  } catch (error) {
    if (error instanceof Refused) return error.answer;
    throw error;
  }
}

type Body = Readonly<Record<string, unknown>>;

const DEFAULT_DISK_GB = 8;
const MOST_ENV_BYTES = 32 * 1024;
const MOST_PORTS = 64;
/** The strictest of the limits that are documented. */
const MOST_ONSTART = 4048;
const MOST_LABEL = 1024;
const RUNTYPES = /^(ssh|jupyter|args|(ssh|jupyter)_(proxy|direct|direc))( (ssh|jupyter)(_(proxy|direct|direc))?)*$/;

export function readOrder(body: Body, offer: Offer): Wanted {
  const args = Array.isArray(body.args) ? body.args.map(String) : [];
  return {
    order: {
      image: imageOf(body),
      ...(typeof body.image_login === "string" ? { imageLogin: body.image_login } : {}),
      diskGb: diskOf(body, offer),
      env: envOf(body.env ?? {}),
      onstart: onstartOf(body.onstart),
      runtype: runtypeOf(body.runtype, args.length > 0 || body.args_str !== undefined),
      args,
      vm: vmOf(body, offer),
    },
    label: labelOf(body.label),
    bid: bidOf(body.price),
    orNothing: body.cancel_unavail === true,
    stopped: body.target_state === "stopped",
  };
}

export function invalid(msg: string, error = "invalid_args"): never {
  throw new Refused(refusal(400, error, msg));
}

function imageOf({ image, template_hash_id }: Body): string {
  if (typeof image === "string" && image.trim() !== "") return image.trim();
  if (typeof template_hash_id === "string") return invalid(`template ${template_hash_id} not found`);
  return invalid("image is required");
}

function diskOf({ disk }: Body, { machine }: Offer): number {
  const gigabytes = disk === undefined || disk === null ? DEFAULT_DISK_GB : Number(disk);
  if (!(gigabytes > 0)) return invalid("disk must be a positive number");
  if (gigabytes > machine.diskGb) return invalid(`disk ${gigabytes} is more than the ${machine.diskGb} GB available`);
  return gigabytes;
}

function envOf(env: unknown): Record<string, string> {
  if (typeof env !== "object" || env === null || Array.isArray(env)) return invalid("env must be an object");
  const entries = Object.entries(env);
  for (const [name, value] of entries)
    if (typeof value !== "string") return invalid(`invalid env arguments: the value of ${name} is not a string`);
  const bytes = entries.reduce((sum, [name, value]) => sum + name.length + Buffer.byteLength(String(value)), 0);
  if (bytes > MOST_ENV_BYTES) return invalid("invalid env arguments: total length > 32KB");
  if (entries.filter(([name]) => name.startsWith("-p ")).length > MOST_PORTS) return invalid("more than 64 ports");
  return Object.fromEntries(entries) as Record<string, string>;
}

function onstartOf(onstart: unknown): string | null {
  if (onstart === undefined || onstart === null) return null;
  if (typeof onstart !== "string") return invalid("onstart must be a string");
  if (onstart.length > MOST_ONSTART) return invalid(`onstart is longer than ${MOST_ONSTART} characters`);
  return onstart;
}

function runtypeOf(runtype: unknown, withArgs: boolean): string {
  if (runtype === undefined || runtype === null) return withArgs ? "args" : "ssh";
  if (typeof runtype !== "string" || !RUNTYPES.test(runtype)) return invalid(`invalid runtype ${String(runtype)}`);
  return runtype;
}

/** Vast makes a container of a VM whose image names no registry. */
function vmOf({ vm, image }: Body, { machine }: Offer): boolean {
  if (vm !== true) return false;
  if (!machine.vms) return invalid("this machine offers no VMs");
  return String(image).startsWith("docker.io/");
}

export function labelOf(label: unknown): string | null {
  if (label === undefined || label === null || label === "") return null;
  const text = String(label);
  if (text.length > MOST_LABEL) return invalid(`label is longer than ${MOST_LABEL} characters`, "label_too_long");
  return text;
}

function bidOf(price: unknown): number | null {
  if (price === undefined || price === null) return null;
  if (typeof price !== "number") return invalid("price must be a number");
  if (price < 0.001 || price > 128) return invalid(`price ${price} is outside 0.001 - 128`, "invalid_price");
  return price;
}
