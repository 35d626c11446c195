import type { dynamic } from "@pulumi/pulumi";
import { learnCredentials } from "../credentials/known.ts";
import { diskError } from "../lib/disk.ts";
import { hidden, withoutSecrets } from "../lib/secrets.ts";
import { endAsProvider } from "./endings.ts";
import { engineAddress } from "./engine.ts";
import { ownLine } from "./own-line.ts";
import { handOver, sayOnce } from "./said-once.ts";

type Provider = dynamic.ResourceProvider;

/** The methods of a provider file; a missing one gets a default that uses what is known. */
export type Lifecycle = Partial<Omit<Provider, "configure">> & Pick<Provider, "create">;

/** What Pulumi shows as "property X has a problem: reason". */
export interface CheckFailure {
  readonly property: string;
  readonly reason: string;
}

/** What the engine sends for a value that is not known yet, whatever its type. */
const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** Is this an input whose value is not known before another resource is made? */
export function isUnknown(value: unknown): boolean {
  return value === UNKNOWN;
}

/** Names of inputs that differ from the recorded ones; a value not known yet is no change. */
export function changedKeys(olds: object, news: object): string[] {
  const before = olds as Readonly<Record<string, unknown>>;
  const known = Object.entries(news).filter(([key, value]) => !isUnknown(value) && key !== "__provider");
  return known.filter(([key, value]) => JSON.stringify(before[key]) !== JSON.stringify(value)).map(([key]) => key);
}

/**
 * Values in a form that the engine accepts: plain JSON, without undefined, functions and dates. Any other would turn a
 * rented machine into an error without an id, or make the engine wait for ever. Big integers become text; ids should be
 * text anyway, because numbers above 2^53 lose digits.
 */
export function toOutputs<T extends object>(values: T): T {
  const text = JSON.stringify(values, (_key, value) => (typeof value === "bigint" ? String(value) : value));
  return JSON.parse(text);
}

/** Pulumi's error for "created, but not as it should be": it keeps id and outputs, and shows the reasons. */
export interface PartialFailure extends Error {
  readonly id: string;
  readonly properties: object;
  readonly reasons: readonly string[];
}

/**
 * The error to throw from create or update when the thing exists all the same.
 *
 * @param inputs what create or update was called with: without its `__provider` nothing could be deleted later
 */
export function partialFailure(id: string, outputs: object, inputs: object, error: unknown): PartialFailure {
  const { __provider } = inputs as { __provider?: unknown };
  const properties = { ...toOutputs(outputs), ...(typeof __provider === "string" ? { __provider } : {}) };
  const reason = hidden(error instanceof Error ? error.message : String(error));
  return Object.assign(withoutStack(new Error(reason)), { id, properties, reasons: [reason] });
}

/**
 * The error as one line without credentials: Pulumi prints the stack of what check, diff, read and delete throw. Our
 * own mistakes keep their stack.
 */
export function withoutStack(error: unknown): Error {
  if (!(error instanceof Error)) return withoutStack(new Error(String(error)));
  const disk = diskError(error);
  if (disk !== undefined && disk !== error) return withoutStack(disk);
  const isMistake = [TypeError, ReferenceError, RangeError, SyntaxError].some((kind) => error instanceof kind);
  if (!isMistake) error.stack = "";
  return withoutSecrets(error);
}

/**
 * What a provider file exports: the same methods, with results that the engine accepts and errors that print as one
 * line. Its process ends with its engine, and prints its last words when it is interrupted.
 */
export function lifecycle<T extends Lifecycle>(methods: T): T {
  endAsProvider(isBusy);
  if (engineAddress() !== undefined) sayOnce();
  const wrapped = Object.entries(methods).map(([name, method]) => [name, safe(method)]);
  return Object.fromEntries(wrapped);
}

/** The failures of a check, made safe to show. */
function showable<T extends { readonly failures?: readonly { readonly reason: string }[] }>(result: T): T {
  const { failures } = result;
  if (!Array.isArray(failures)) return result;
  return { ...result, failures: failures.map((failure) => ({ ...failure, reason: hidden(failure.reason) })) };
}

type Method = (...values: never[]) => Promise<object | undefined>;

/** Of all resources that this process serves: it may end only when none is at work. */
let underWay = 0;

/** Does a method of some resource run in this process? */
function isBusy(): boolean {
  return underWay > 0;
}

function safe(method: unknown): Method {
  return async (...values) => {
    underWay += 1;
    ownLine.begin();
    try {
      // A destroy runs without our program, which would have read the credentials.
      learnCredentials();
      const result = await (method as Method)(...values);
      return result === undefined ? undefined : toOutputs(showable(result));
    } catch (error) {
      throw handOver(withoutStack(error));
    } finally {
      underWay -= 1;
      if (!isBusy()) ownLine.end();
    }
  };
}
