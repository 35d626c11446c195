import { noAnswer, type Request, timeoutOf } from "../../components/vast/client/transport.ts";
import { gatewayPage, json, refusal, TOO_FREQUENT } from "../../simulator/api/answer.ts";
import { noLongerAvailable } from "../../simulator/api/asks.ts";
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

const HOST = "https://vast.test";

function breaks({ request }: Happening, code: string): never {
  throw noAnswer(request.call, HOST, code);
}

/** What the caller gets to know. */
type Heard = (happening: Happening) => Promise<Sent> | Sent;

const killed: Heard = ({ kill }) => kill();
const reset: Heard = (at) => breaks(at, "ECONNRESET");
const timedOut: Heard = async (at) => {
  await at.pass(timeoutOf(at.request.call) / 1000);
  return breaks(at, "ERR_CANCELED");
};

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
function rentedWith(...faults: Omit<Fault, "on">[]): Ending {
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

/** The list as it was answered, changed. */
function listed(change: (body: ListBody) => ListBody): Ending {
  return {
    only: [LIST],
    happen: async ({ carryOut }) => {
      const answer = await carryOut();
      return "cut" in answer || answer.status !== 200 ? answer : json(200, change(JSON.parse(answer.body)));
    },
  };
}

interface ListBody {
  readonly instances: readonly { readonly id: number }[];
  readonly total_instances: number;
  readonly instances_found: number;
}

/** Vast's answer for a rental that it refuses and books all the same. */
async function withContract({ carryOut }: Happening): Promise<Sent> {
  const answer = await carryOut();
  const id = "cut" in answer ? undefined : JSON.parse(answer.body).new_contract;
  return id === undefined ? answer : refusal(400, "insufficient_bid", "bid is too low", { new_contract: id });
}

async function cut(happening: Happening): Promise<Sent> {
  const answer = await happening.carryOut();
  return "cut" in answer ? answer : { ...answer, body: answer.body.slice(0, Math.ceil(answer.body.length / 2)) };
}

const noSuchAsk = (status: number) =>
  refusal(status, "invalid_args", `error ${status}/3603: no_such_ask Instance type by id 7 is not available.`);

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
  resetBefore: before(reset),
  resetAfter: ofWrites(after(reset)),
  resetLate: late(reset, 8, [CREATE, DELETE]),
  resetVeryLate: late(reset, 25, [CREATE]),
  refused: before((at) => breaks(at, "ECONNREFUSED")),
  timeoutBefore: before(timedOut),
  timeoutAfter: ofWrites(after(timedOut)),
  html502Before: before(() => gatewayPage(502)),
  html502After: ofWrites(after(() => gatewayPage(502))),
  redirectAfter: { ...after(() => gatewayPage(307)), only: [CREATE] },
  error500: answers(refusal(500, "server_error", "Something went wrong.")),
  tooFrequentDetail: answers(TOO_FREQUENT.detail(4.5)),
  tooFrequentEnvelope: answers(TOO_FREQUENT.envelope(3)),
  tooFrequentText: answers(TOO_FREQUENT.text(2)),
  empty200: after(() => ({ status: 200, type: "application/json", body: "" })),
  truncatedJson: { happen: cut },
  success200False: answers(refusal(200, "invalid_args", "The request could not be carried out.")),
  authError404: answers(refusal(404, "auth_error", "Invalid user key")),
  authError401: answers(refusal(401, "auth_error", "Invalid user key")),

  offerTaken400: answers(noSuchAsk(400), [CREATE]),
  offerTaken404: answers(noSuchAsk(404), [CREATE]),
  offerTaken410: answers(noLongerAvailable(7), [CREATE]),
  noCredit: answers(refusal(400, "insufficient_credit", "Your account lacks credit; see the billing page."), [CREATE]),
  spendLimit: answers(refusal(400, "spend_rate_limit", "New accounts may spend only so much."), [CREATE]),
  errorWithContract: { only: [CREATE], happen: withContract },
  createdStopped: {
    only: [CREATE],
    happen: async ({ world, carryOut }) => {
      const answer = await carryOut();
      const contract = world.contracts.get("cut" in answer ? 0 : JSON.parse(answer.body).new_contract);
      if (contract !== undefined) world.life.drop(contract, "host");
      return answer;
    },
  },
  listLag6: rentedWith({ do: "listLag", seconds: 6 }),
  listLag30: rentedWith({ do: "listLag", seconds: 30 }),
  nullAfterCreate: rentedWith({ do: "nullAfterCreate", seconds: 8 }),
  unseen12: rentedWith({ do: "listLag", seconds: 12 }, { do: "nullAfterCreate", seconds: 12 }),
  lostAndUnseen12: {
    only: [CREATE],
    happen: async (at) => {
      at.world.faults.add(
        { on: "boot", do: "listLag", seconds: 12 },
        { on: "boot", do: "nullAfterCreate", seconds: 12 },
      );
      await at.carryOut();
      return breaks(at, "ECONNRESET");
    },
  },
  bootFails: rentedWith({ do: "ociFail" }),
  bootHangs: rentedWith({ do: "stuckLoading" }),
  imageNotFound: rentedWith({ do: "imageNotFound" }),
  tooDear: rentedWith({ do: "misreport", fields: { dph_total: 9.5 } }),

  listPartial: listed((body) => ({ ...body, instances: body.instances.slice(0, -1) })),
  listLacksNewest: listed(({ instances, ...body }) => {
    const newest = Math.max(...instances.map(({ id }) => id));
    const rows = instances.filter(({ id }) => id !== newest);
    return { ...body, instances: rows, total_instances: body.total_instances - 1, instances_found: rows.length };
  }),
  invalidToken: answers(refusal(400, "invalid_token", "invalid after_token"), [LIST]),
  deprecated410: answers(refusal(410, "deprecated_endpoint", "/api/v0/instances/ is deprecated."), [LIST]),
  staleNull: answers(json(200, { instances: null }), [SINGLE]),
  emptyMarket: answers(json(200, { offers: [] }), ["POST /bundles/"]),
  teamKeys: answers(refusal(403, "team_ssh_keys_not_supported", "Teams have none."), ["POST /ssh/", "GET /ssh/"]),

  destroyIgnored: answers(json(200, { success: true }), [DELETE]),
  destroySlow: slowDestroy(40),
  destroyVerySlow: slowDestroy(400),

  outage: { ...before(() => gatewayPage(502)), lasts: "endpoint" },
  outageAfter: { ...after(() => gatewayPage(503)), writes: true, lasts: "endpoint" },
  throttled: { lasts: "endpoint", happen: async () => TOO_FREQUENT.envelope(3) },
  ignoredForEver: { only: [DELETE], lasts: "endpoint", happen: async () => json(200, { success: true }) },
  takenForEver: { only: [CREATE], lasts: "endpoint", happen: async () => noLongerAvailable(7) },
  hiddenForEver: { ...listed((body) => ({ ...body, instances: body.instances.slice(0, -1) })), lasts: "endpoint" },
  offline: { lasts: "process", happen: async (at) => breaks(at, "EHOSTUNREACH") },
  silence: { ...before(timedOut), lasts: "process" },
  revoked: { lasts: "process", happen: async () => refusal(404, "auth_error", "Invalid user key") },
};

function slowDestroy(seconds: number): Ending {
  return {
    only: [DELETE],
    happen: async ({ world, request, carryOut }) => {
      const id = Number(/\d+/.exec(request.call.path.replace("/v0/", ""))?.[0]);
      const contract = world.contracts.get(id);
      if (contract !== undefined) contract.destroySeconds = seconds;
      return carryOut();
    },
  };
}

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
