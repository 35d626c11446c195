import { isDown, isOutbid, phaseOf } from "../vast/client/phase.ts";
import type { Instance } from "../vast/client/wire.ts";
import type { Event, News, What } from "./event.ts";

/** What an offer promises, prices in $/h. */
interface Promised {
  readonly gpu: string;
  readonly gpus: number;
  readonly machineId: number;
  readonly diskPerHour: number;
  readonly totalPerHour: number;
  readonly onDemandPerHour: number | null;
  readonly trafficPerGb: number | null;
}

type Facts = Partial<Omit<News, "what">>;

/** What is known of a machine before it is rented. */
export function factsOfOffer(offer: Promised): Facts {
  const { gpu, gpus, machineId, diskPerHour, totalPerHour, onDemandPerHour, trafficPerGb } = offer;
  return {
    machineId,
    gpu: `${gpus}x ${gpu}`,
    gpuPerHour: Math.max(totalPerHour - diskPerHour, 0),
    diskPerHour,
    ...known({ onDemandPerHour, trafficPerGb }),
  };
}

/** The facts that Vast gives of an instance: what it is, and what it costs while it runs. */
export function factsOfInstance({ id, gpu, gpus, machineId, gpuPerHour, diskPerHour }: Instance): Facts {
  const name = gpu === null ? null : `${gpus ?? "?"}x ${gpu}`;
  return { instance: id, ...known({ machineId, gpu: name, gpuPerHour, diskPerHour }) };
}

/** That an instance does not run any more, and why. */
function lossOf(instance: Instance): News {
  const what = isOutbid(instance) ? "outbid" : "stopped";
  return { what, reason: phaseOf(instance).text, ...factsOfInstance(instance) };
}

/** The events that tell whether a machine runs. */
const STATES: readonly What[] = ["rented", "ready", "outbid", "stopped", "resumed", "released"];

/**
 * What a look at a machine adds to the log: that it is gone, does not run any more, or runs again without us. undefined =
 * nothing, or it was not rented here.
 *
 * @param seen undefined = it is gone for certain
 * @param upAt when it was last seen to run, milliseconds since 1970; undefined = the log alone tells
 */
export function newsOf(
  events: readonly Event[],
  id: number,
  seen: Instance | undefined,
  upAt?: number,
): News | undefined {
  const own = events.filter(({ instance, what }) => instance === id && STATES.includes(what));
  const last = own.at(-1)?.what;
  if (last === "released" || !own.some(({ what }) => what === "rented")) return undefined;
  if (seen === undefined) return { what: "released", instance: id, reason: GONE };
  const wasUp = last === "ready" || last === "resumed";
  if (isDown(seen)) return wasUp ? { ...lossOf(seen), ...(upAt === undefined ? {} : { since: upAt }) } : undefined;
  const isBack = phaseOf(seen).phase === "ready" && (last === "outbid" || last === "stopped");
  return isBack ? { what: "resumed", reason: "runs again at Vast", ...factsOfInstance(seen) } : undefined;
}

/** Why a machine counts as released that nobody here has released. */
export const GONE = "gone at Vast";

function known<T extends object>(facts: T): { [Key in keyof T]?: NonNullable<T[Key]> } {
  const entries = Object.entries(facts).filter(([, value]) => value !== null);
  return Object.fromEntries(entries) as { [Key in keyof T]?: NonNullable<T[Key]> };
}
