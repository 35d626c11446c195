/**
 * Something that goes wrong on purpose. `on` is a request ("PUT /asks/{id}/"), "boot" (each time a machine starts) or
 * "run" (once it is up). Other fields are the fault's own arguments.
 */
export interface Fault {
  readonly on: string;
  /** Name of what happens. */
  readonly do: string;
  /** How often; default 1, 0 = for ever. */
  readonly times?: number;
  /** How many occasions to let pass first. */
  readonly after?: number;
  /** Only for this offer, machine or instance. */
  readonly offerId?: number;
  readonly machineId?: number;
  readonly instanceId?: number;
  readonly [argument: string]: unknown;
}

/** A fault that can never occur; the text says what could. */
export class UnusableFault extends Error {}

/** An occasion for a fault. */
export interface Occasion {
  readonly on: string;
  readonly offerId?: number | undefined;
  readonly machineId?: number | undefined;
  readonly instanceId?: number | undefined;
}

/** A fault in the book: how often it was met. `left` null = for ever. */
export interface FaultEntry {
  readonly fault: Fault;
  met: number;
  skipped: number;
}

export function isSpent({ fault, met }: FaultEntry): boolean {
  const times = fault.times ?? 1;
  return times !== 0 && met >= times;
}

export function fits(fault: Fault, occasion: Occasion): boolean {
  return (
    fault.on === occasion.on &&
    (fault.offerId === undefined || fault.offerId === occasion.offerId) &&
    (fault.machineId === undefined || fault.machineId === occasion.machineId) &&
    (fault.instanceId === undefined || fault.instanceId === occasion.instanceId)
  );
}

/** A number among a fault's arguments. */
export function numberOf(args: Readonly<Record<string, unknown>>, name: string, otherwise: number): number {
  const value = args[name];
  return typeof value === "number" ? value : otherwise;
}

export function textOf(args: Readonly<Record<string, unknown>>, name: string, otherwise: string): string {
  const value = args[name];
  return typeof value === "string" ? value : otherwise;
}
