import { noAnswer, type Request, timeoutOf } from "../../components/vast/client/transport.ts";
import { json, refusal } from "../../simulator/api/answer.ts";
import type { Fault, Answer as Sent, World } from "../../simulator/index.ts";

export const CREATE = "PUT /asks/{id}/";
export const LIST = "GET /instances/";
export const SINGLE = "GET /instances/{id}/";
export const DELETE = "DELETE /instances/{id}/";

/** A call at which something happens. */
export interface Happening {
  readonly request: Request;
  readonly world: World;
  /** Vast does what it was asked to. @param world another view of the same one */
  readonly carryOut: (world?: World) => Promise<Sent>;
  /** The same, and it meets a fault of the simulator's. */
  readonly meet: (fault: Omit<Fault, "on">) => Promise<Sent>;
  /** Time passes. */
  readonly pass: (seconds: number) => Promise<void>;
  /** The process that called is killed: nothing more comes of it. */
  readonly kill: () => Promise<never>;
  /** Nobody waits for the process any more. */
  readonly loseEngine: () => void;
}

/** One way in which a call can end. */
export interface Ending {
  /** Endpoints that can end so; undefined = all of them. */
  readonly only?: readonly string[];
  /** Reads have no effect, so this one is told from another only where there is one. */
  readonly writes?: true;
  /** Every later call of the process ends the same way: those of the endpoint, or all. */
  readonly lasts?: "endpoint" | "process";
  readonly happen: (happening: Happening) => Promise<Sent>;
}

function breaks({ request }: Happening, code: string): never {
  throw noAnswer(request.call, "http://vast.test", code);
}

/** What the caller gets to know. */
type Heard = (happening: Happening) => Promise<Sent> | Sent;

const killed: Heard = ({ kill }) => kill();
const timedOut: Heard = async (at) => {
  await at.pass(timeoutOf(at.request.call) / 1000);
  return breaks(at, "ERR_CANCELED");
};

/** It meets the simulator's fault of this name. */
function meets(name: string, args: Omit<Fault, "on" | "do"> = {}, more: Omit<Ending, "happen"> = {}): Ending {
  return { ...more, happen: ({ meet }) => meet({ do: name, ...args }) };
}

/** Nothing has been done. */
function before(heard: Heard): Ending {
  return { happen: async (at) => heard(at) };
}

/** It has been done. */
function after(heard: Heard): Ending {
  return {
    happen: async (at) => {
      await at.carryOut();
      return heard(at);
    },
  };
}

/** It is done when the caller has been told of a failure, or is dead. */
function late(heard: Heard, seconds: number, only: readonly string[]): Ending {
  return {
    only,
    happen: async (at) => {
      at.world.clock.after(seconds * 1000, async () => void (await at.carryOut({ ...at.world, gates: undefined })));
      return heard(at);
    },
  };
}

function ofWrites(ending: Ending): Ending {
  return { ...ending, writes: true };
}

/** What is rented by this call has this trouble. */
function rentedWith(...faults: Partial<Fault>[]): Ending {
  return {
    only: [CREATE],
    happen: async ({ world, carryOut }) => {
      world.faults.add(...faults.map((fault) => ({ on: "boot", ...fault }) as Fault));
      return carryOut();
    },
  };
}

function answers(answer: Sent, only?: readonly string[]): Ending {
  return { ...(only === undefined ? {} : { only }), happen: async () => answer };
}

/** The list lacks what came last, and does not count it. The simulator's own forgets that there are other pages. */
async function withoutNewest({ carryOut }: Happening): Promise<Sent> {
  const answer = await carryOut();
  if ("cut" in answer || answer.status !== 200) return answer;
  const page = JSON.parse(answer.body);
  const ids: number[] = page.instances.map(({ id }: { id: number }) => id);
  const rows = page.instances.filter(({ id }: { id: number }) => id !== Math.max(...ids));
  return json(200, {
    ...page,
    instances: rows,
    total_instances: page.total_instances - 1,
    instances_found: rows.length,
  });
}

/** Every way in which a call can end but well. */
export const ENDINGS: Readonly<Record<string, Ending>> = {
  killBefore: before(killed),
  killAfter: ofWrites(after(killed)),
  killLate: late(killed, 4, [CREATE, DELETE]),
  killVeryLate: late(killed, 25, [CREATE]),
  engineGoneBefore: {
    happen: ({ loseEngine, carryOut }) => {
      loseEngine();
      return carryOut();
    },
  },
  engineGoneAfter: {
    writes: true,
    happen: async ({ loseEngine, carryOut }) => {
      const answer = await carryOut();
      loseEngine();
      return answer;
    },
  },
  resetBefore: meets("resetBefore"),
  resetAfter: meets("resetAfter", {}, { writes: true }),
  resetLate: meets("late", { seconds: 8 }, { only: [CREATE, DELETE] }),
  resetVeryLate: meets("late", { seconds: 25 }, { only: [CREATE] }),
  refused: before((at) => breaks(at, "ECONNREFUSED")),
  timeoutBefore: before(timedOut),
  timeoutAfter: ofWrites(after(timedOut)),
  html502Before: meets("serverErrorBefore"),
  html502After: meets("serverErrorAfter", {}, { writes: true }),
  redirectAfter: meets("serverErrorAfter", { status: 307 }, { only: [CREATE] }),
  error500: meets("serverErrorJson"),
  tooFrequentDetail: meets("tooFrequent", { style: "detail", threshold: 4.5 }),
  tooFrequentEnvelope: meets("tooFrequent", { style: "envelope", threshold: 3 }),
  tooFrequentText: meets("tooFrequent", { style: "text", threshold: 2 }),
  empty200: meets("empty200"),
  truncatedJson: meets("truncatedJson"),
  success200False: meets("success200False"),
  authError404: meets("authError404"),
  authError401: meets("authError401"),

  offerTaken400: meets("offerTaken400", {}, { only: [CREATE] }),
  offerTaken404: meets("offerTaken404", {}, { only: [CREATE] }),
  offerTaken410: meets("offerTaken410", {}, { only: [CREATE] }),
  noCredit: meets("insufficientCredit", {}, { only: [CREATE] }),
  spendLimit: meets("spendLimit", {}, { only: [CREATE] }),
  errorWithContract: meets("errorWithContract", {}, { only: [CREATE] }),
  createdStopped: meets("createdStopped", {}, { only: [CREATE] }),
  listLag6: rentedWith({ do: "listLag", seconds: 6 }),
  listLag30: rentedWith({ do: "listLag", seconds: 30 }),
  nullAfterCreate: rentedWith({ do: "nullAfterCreate", seconds: 8 }),
  unseen12: rentedWith({ do: "listLag", seconds: 12 }, { do: "nullAfterCreate", seconds: 12 }),
  unseenAndUnknown12: rentedWith(
    { do: "listLag", seconds: 12 },
    { do: "nullAfterCreate", seconds: 12 },
    { on: DELETE, do: "unseen", times: 0 },
  ),
  lostAndUnseen12: {
    only: [CREATE],
    happen: ({ world, meet }) => {
      world.faults.add({ on: "boot", do: "listLag", seconds: 12 }, { on: "boot", do: "nullAfterCreate", seconds: 12 });
      return meet({ do: "resetAfter" });
    },
  },
  bootFails: rentedWith({ do: "ociFail" }),
  bootHangs: rentedWith({ do: "stuckLoading" }),
  imageNotFound: rentedWith({ do: "imageNotFound" }),
  tooDear: rentedWith({ do: "misreport", fields: { dph_total: 9.5 } }),

  listPartial: meets("partialPage", {}, { only: [LIST] }),
  listLacksNewest: { only: [LIST], happen: withoutNewest },
  invalidToken: meets("invalidToken", {}, { only: [LIST] }),
  deprecated410: answers(refusal(410, "deprecated_endpoint", "/api/v0/instances/ is deprecated."), [LIST]),
  staleNull: answers(json(200, { instances: null }), [SINGLE]),
  emptyMarket: answers(json(200, { offers: [] }), ["POST /bundles/"]),
  teamKeys: answers(refusal(403, "team_ssh_keys_not_supported", "Teams have none."), ["POST /ssh/", "GET /ssh/"]),

  destroyIgnored: meets("destroyIgnored", {}, { only: [DELETE] }),
  destroySlow: meets("destroySlow", { seconds: 40 }, { only: [DELETE] }),
  destroyVerySlow: meets("destroySlow", { seconds: 400 }, { only: [DELETE] }),

  outage: meets("serverErrorBefore", {}, { lasts: "endpoint" }),
  outageAfter: meets("serverErrorAfter", { status: 503 }, { writes: true, lasts: "endpoint" }),
  throttled: meets("tooFrequent", { style: "envelope", threshold: 3 }, { lasts: "endpoint" }),
  ignoredForEver: meets("destroyIgnored", {}, { only: [DELETE], lasts: "endpoint" }),
  takenForEver: meets("offerTaken410", {}, { only: [CREATE], lasts: "endpoint" }),
  hiddenForEver: meets("partialPage", {}, { only: [LIST], lasts: "endpoint" }),
  offline: { lasts: "process", happen: async (at) => breaks(at, "EHOSTUNREACH") },
  silence: { ...before(timedOut), lasts: "process" },
  revoked: meets("authError404", {}, { lasts: "process" }),
};

export function endingNamed(name: string): Ending {
  const ending = ENDINGS[name];
  if (ending === undefined) throw new Error(`there is no ending ${name}`);
  return ending;
}

/** Endings that another one stands for where all pairs are tried: both are read as the same error. */
export const SAME: Readonly<Record<string, string>> = {
  error500: "html502Before",
  redirectAfter: "html502After",
  tooFrequentEnvelope: "tooFrequentDetail",
  tooFrequentText: "tooFrequentDetail",
  authError401: "authError404",
  offerTaken400: "offerTaken404",
  offerTaken410: "offerTaken404",
  spendLimit: "noCredit",
};

const END = /^the end of /;

export function endingsOf(endpoint: string): string[] {
  if (END.test(endpoint)) return ["killBefore"];
  const hasEffect = !/^GET |^POST \/bundles/.test(endpoint);
  const fits = ({ only, writes }: Ending) => (only?.includes(endpoint) ?? true) && (hasEffect || writes !== true);
  return Object.entries(ENDINGS).flatMap(([name, ending]) => (fits(ending) ? [name] : []));
}
