import type { Instance } from "../vast/client/wire.ts";
import type { News } from "./event.ts";

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

function known<T extends object>(facts: T): { [Key in keyof T]?: NonNullable<T[Key]> } {
  const entries = Object.entries(facts).filter(([, value]) => value !== null);
  return Object.fromEntries(entries) as { [Key in keyof T]?: NonNullable<T[Key]> };
}
