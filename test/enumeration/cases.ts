import { seeded } from "../../simulator/base/random.ts";
import { endingsOf, SAME } from "./endings.ts";
import type { Case, Recovery, Trace } from "./life.ts";
import { type FaultAt, type Place, placeName } from "./place.ts";
import type { Called } from "./scene.ts";

/** A case that is named and can be run again by its name. */
export function caseName({ life, faults, recovery }: Case): string {
  return [life, ...faults.map((fault) => `${placeName(fault)} ${fault.ending}`), recovery].join(" | ");
}

/** The case of a name. */
export function caseNamed(name: string): Case {
  const [life = "", ...words] = name.split(" | ");
  const recovery = words.pop() === "destroy" ? "destroy" : "up";
  return { life, faults: words.map(faultNamed), recovery };
}

function faultNamed(text: string): FaultAt {
  const [, endpoint = "", nth, ending = ""] = /^(.*) #(\d+) (\w+)$/.exec(text) ?? [];
  return { endpoint, nth: Number(nth), ending };
}

/** Every ending of every one of these calls. */
export function faultsAt(places: readonly Place[]): FaultAt[] {
  return places.flatMap(({ endpoint, nth }) => endingsOf(endpoint).map((ending) => ({ endpoint, nth, ending })));
}

/** Without those that are read as the same error as another one. */
export function distinct(faults: readonly FaultAt[]): FaultAt[] {
  return faults.filter(({ ending }) => SAME[ending] === undefined);
}

/**
 * The calls that differ: of those that a command makes over and over while it waits, the first, the second and the last.
 */
export function tellingCalls(calls: readonly Called[]): Called[] {
  const groups = Map.groupBy(calls, ({ command, endpoint }) => `${command} ${endpoint}`);
  const telling = new Set([...groups.values()].flatMap((group) => [...group.slice(0, 2), ...group.slice(-1)]));
  return calls.filter((call) => telling.has(call));
}

/** Everything that can go wrong after one thing has. */
export function secondFaults(first: FaultAt, trace: Pick<Trace, "calls">): FaultAt[] {
  const index = trace.calls.findIndex(({ endpoint, nth }) => endpoint === first.endpoint && nth === first.nth);
  return distinct(faultsAt(tellingCalls(trace.calls.slice(index + 1))));
}

/** So many of them, the same ones for the same seed. */
export function sample<T>(all: readonly T[], most: number, seed: number): T[] {
  if (all.length <= most) return [...all];
  const random = seeded(seed);
  const rest = [...all];
  return Array.from({ length: most }, () => rest.splice(Math.floor(random() * rest.length), 1)).flat();
}

export const RECOVERIES: readonly Recovery[] = ["up", "destroy"];
