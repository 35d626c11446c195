import { sleep } from "../base/clock.ts";
import { type Fault, numberOf, textOf } from "../faults/fault.ts";
import { visibleInstance, type World } from "../world/world.ts";
import {
  type Answer,
  CUT,
  gatewayPage,
  json,
  noSuchInstance,
  refusal,
  searchQuotaExceeded,
  TOO_FREQUENT,
  type TooFrequentStyle,
} from "./answer.ts";
import { noLongerAvailable } from "./asks.ts";
import type { Call } from "./route.ts";

/** A request that met a fault. `next` carries out the request. */
interface Met {
  readonly world: World;
  readonly fault: Fault;
  readonly call: Call;
  readonly next: (changes?: Partial<Call>) => Promise<Answer>;
}

type RequestFault = (met: Met) => Answer | Promise<Answer>;

/** What can go wrong with a request. One entry is one fault; unless it calls `next`, the request has no effect. */
const REQUEST_FAULTS: Readonly<Record<string, RequestFault>> = {
  offerTaken400: ({ call: { params } }) =>
    refusal(400, "invalid_args", `error 400/3603: no_such_ask Instance type by id ${params.id} is not available.`),
  offerTaken404: ({ call: { params } }) =>
    refusal(404, "invalid_args", `error 404/3603: no_such_ask Instance type by id ${params.id} is not available.`),
  offerTaken410: ({ call: { params } }) => noLongerAvailable(params.id ?? ""),
  /** Somebody rents the slice between the search and us. */
  takenMeanwhile: ({ world, call: { params }, next }) => {
    const offer = world.market.offer(Number(params.id));
    if (offer !== undefined) offer.ask.tenant = { kind: "on-demand" };
    return next();
  },
  /** Every offer gets a new id, and the old ids stop working. */
  newOfferIds: ({ world, next }) => {
    world.market.renumber();
    return next();
  },
  invalidArgs: ({ fault }) => refusal(400, "invalid_args", textOf(fault, "msg", "Invalid args: image is malformed.")),
  envTooLarge: () => refusal(400, "invalid_args", "Invalid env arguments: total length > 32KB"),
  insufficientCredit: () => refusal(400, "insufficient_credit", "Your account lacks credit; see the billing page."),
  spendLimit: () => refusal(400, "spend_rate_limit", "New accounts may spend only so much per hour."),
  /** `retryAfter`: the value of the Retry-After header; default no header. */
  tooFrequent: ({ fault }) =>
    withHeaders(
      TOO_FREQUENT[styleOf(fault)](numberOf(fault, "threshold", 4.5)),
      fault.retryAfter === undefined ? {} : { "Retry-After": String(fault.retryAfter) },
    ),
  searchQuota,
  serverErrorBefore: ({ fault }) => gatewayPage(numberOf(fault, "status", 502)),
  serverErrorAfter: async ({ fault, next }) => {
    await next();
    return gatewayPage(numberOf(fault, "status", 502));
  },
  serverErrorJson: () => refusal(500, "server_error", "Something went wrong."),
  resetBefore: () => CUT,
  resetAfter: async ({ next }) => {
    await next();
    return CUT;
  },
  /** Never answered, but carried out `seconds` later, when nobody waits for it any more. */
  late: ({ world, fault, next }) => {
    world.clock.after(numberOf(fault, "seconds", 135) * 1000, async () => void (await next()));
    return CUT;
  },
  slow: async ({ world, fault, next }) => {
    await sleep(world.clock, numberOf(fault, "seconds", 5));
    return next();
  },
  slowAfter: async ({ world, fault, next }) => {
    const answer = await next();
    await sleep(world.clock, numberOf(fault, "seconds", 5));
    return answer;
  },
  /** Waits before its effect until `DELETE /_sim/held`, however long. `GET /_sim/held` answers once it waits. */
  hold: async ({ world, next }) => {
    await world.holds.hold();
    return next();
  },
  /** As `hold`, but waits between its effect and its answer. */
  holdAfter: async ({ world, next }) => {
    const answer = await next();
    await world.holds.hold();
    return answer;
  },
  /** As `hold`, but is then lost without an effect. */
  holdLost: async ({ world }) => {
    await world.holds.hold();
    return CUT;
  },
  empty200: async ({ next }) => {
    await next();
    return { status: 200, type: "application/json", body: "" };
  },
  truncatedJson: async ({ next }) => {
    const answer = await next();
    return "cut" in answer ? answer : { ...answer, body: answer.body.slice(0, Math.ceil(answer.body.length / 2)) };
  },
  success200False: ({ fault }) =>
    refusal(200, textOf(fault, "error", "invalid_args"), textOf(fault, "msg", "The request could not be carried out.")),
  /** Repeats an answer until it is `seconds` old, so the status lags. */
  stale,
  /** The search ignores the filters named in `filters`; default all. */
  ignoreFilters: ({ fault, call: { body }, next }) => next({ body: withoutFilters(body, fault.filters) }),
  /** The search answers with at most `rows` rows. */
  fewRows: ({ fault, call: { body }, next }) => next({ body: { ...body, limit: numberOf(fault, "rows", 5) } }),
  /** The list lacks its last `rows`, but still counts them. */
  partialPage: async ({ fault, next }) => partialPage(await next(), numberOf(fault, "rows", 1)),
  /** The list neither has nor counts its last `rows`. */
  forgetfulList: async ({ fault, next }) => forgetful(await next(), numberOf(fault, "rows", 1)),
  invalidToken: () => refusal(400, "invalid_token", "invalid after_token"),
  /** The address of a log answers 403 to the next `polls` requests; 0 = for ever. */
  logsForbidden: async ({ world, fault, next }) => {
    const answer = await next();
    world.blobs.refuse(pathOfLog(answer), numberOf(fault, "polls", 5) || Number.POSITIVE_INFINITY);
    return answer;
  },
  /** A log that lacks its last `lines`. */
  logsStale: async ({ world, fault, next }) => {
    const answer = await next();
    world.blobs.shorten(pathOfLog(answer), numberOf(fault, "lines", 1));
    return answer;
  },
  authError404: () => refusal(404, "auth_error", "Invalid user key"),
  authError401: () => refusal(401, "auth_error", "Invalid user key"),
  /** A key whose scope does not reach that far. */
  forbidden403: () => refusal(403, "not_authorized", "Your API key is not authorized for this endpoint."),
  errorWithContract: async ({ world, next }) => errorWithContract(createdStopped(world, await next())),
  createdStopped: async ({ world, next }) => createdStopped(world, await next()),
  startQueued: ({ world, call: { params } }) => {
    const contract = world.contracts.get(Number(params.id));
    if (contract !== undefined) world.life.queue(contract);
    return refusal(200, "resources_unavailable", "Required resources are currently unavailable, state change queued.");
  },
  stopSlow: ({ world, fault, call: { params }, next }) => {
    const contract = world.contracts.get(Number(params.id));
    if (contract !== undefined) contract.stopSeconds = numberOf(fault, "seconds", 120);
    return next();
  },
  /** An instance that is not shown yet is not found either. */
  unseen: ({ world, call: { params }, next }) =>
    visibleInstance(world, Number(params.id)) === undefined ? noSuchInstance(params.id ?? "") : next(),
  destroyIgnored: () => json(200, { success: true }),
  destroySlow: ({ world, fault, call: { params }, next }) => {
    const contract = world.contracts.get(Number(params.id));
    if (contract !== undefined) contract.destroySeconds = numberOf(fault, "seconds", 20);
    return next();
  },
};

export const REQUEST_FAULT_NAMES: readonly string[] = Object.keys(REQUEST_FAULTS);

export async function meetFault(met: Met): Promise<Answer> {
  const happens = REQUEST_FAULTS[met.fault.do];
  return happens === undefined ? met.next() : happens(met);
}

/** An error, although the rental was made. */
function errorWithContract(answer: Answer): Answer {
  const id = contractIn(answer);
  return id === undefined ? answer : refusal(400, "insufficient_bid", "bid is too low", { new_contract: id });
}

/** Reports success for a machine that never gets its GPUs. */
function createdStopped(world: World, answer: Answer): Answer {
  const contract = world.contracts.get(contractIn(answer) ?? 0);
  if (contract !== undefined) world.life.drop(contract, "host");
  return answer;
}

function withHeaders(answer: Answer, headers: Readonly<Record<string, string>>): Answer {
  return "cut" in answer ? answer : { ...answer, headers };
}

const DAY_MS = 86_400_000;

/** A moment in the forms that a header may give it. */
const RESET_FORMS: Readonly<Record<string, (at: number) => string | undefined>> = {
  seconds: (at) => String(Math.round(at / 1000)),
  milliseconds: String,
  date: (at) => new Date(at).toUTCString(),
  iso: (at) => new Date(at).toISOString(),
  none: () => undefined,
};

/** When the searches that each fault refuses are allowed again. */
const resets = new WeakMap<Fault, number>();

/**
 * The day's searches are used up until the next 0:00 UTC, or for `seconds`; with `times` 0 every search until then is
 * refused. The header gives that time in this `form` (default `seconds`; `none` = no header), or is what `reset` holds.
 */
function searchQuota({ world, fault, next }: Met): Answer | Promise<Answer> {
  const now = world.clock.now();
  const midnight = (Math.floor(now / DAY_MS) + 1) * DAY_MS;
  const at = resets.get(fault) ?? (fault.seconds === undefined ? midnight : now + numberOf(fault, "seconds", 0) * 1000);
  resets.set(fault, at);
  if (now >= at) return next();
  const form = RESET_FORMS[textOf(fault, "form", "seconds")] ?? String;
  return searchQuotaExceeded(fault.reset === undefined ? form(at) : String(fault.reset));
}

/** What each fault has answered to each request. */
const answered = new WeakMap<Fault, Map<string, { readonly at: number; readonly answer: Answer }>>();

async function stale({ world, fault, call, next }: Met): Promise<Answer> {
  const known = answered.get(fault) ?? new Map();
  answered.set(fault, known);
  const request = JSON.stringify([call.params, [...call.query]]);
  const last = known.get(request);
  if (last !== undefined && world.clock.now() - last.at < numberOf(fault, "seconds", 20) * 1000) return last.answer;
  const answer = await next();
  known.set(request, { at: world.clock.now(), answer });
  return answer;
}

const DIRECTIVES = new Set(["type", "order", "limit", "allocated_storage"]);

function withoutFilters(body: Call["body"], filters: unknown): Call["body"] {
  const ignored = (name: string) => (Array.isArray(filters) ? filters.includes(name) : !DIRECTIVES.has(name));
  return Object.fromEntries(Object.entries(body).filter(([name]) => !ignored(name)));
}

function partialPage(answer: Answer, rows: number): Answer {
  if ("cut" in answer || answer.status !== 200) return answer;
  const page = JSON.parse(answer.body);
  return json(200, { ...page, instances: page.instances.slice(0, Math.max(0, page.instances.length - rows)) });
}

function forgetful(answer: Answer, rows: number): Answer {
  const page = partialPage(answer, rows);
  if ("cut" in page || page.status !== 200) return page;
  const body = JSON.parse(page.body);
  return json(200, { ...body, total_instances: body.instances.length, instances_found: body.instances.length });
}

function pathOfLog(answer: Answer): string {
  const { result_url } = "cut" in answer ? {} : JSON.parse(answer.body);
  return typeof result_url === "string" ? new URL(result_url).pathname : "";
}

function contractIn(answer: Answer): number | undefined {
  return "cut" in answer ? undefined : JSON.parse(answer.body).new_contract;
}

function styleOf(fault: Fault): TooFrequentStyle {
  const style = textOf(fault, "style", "detail");
  return style in TOO_FREQUENT ? (style as TooFrequentStyle) : "detail";
}
