import { type Answer, CUT, gatewayPage, json, refusal, TOO_FREQUENT, type TooFrequentStyle } from "../api/answer.ts";
import { noLongerAvailable } from "../api/asks.ts";
import { sleep } from "../clock.ts";
import type { World } from "../world.ts";
import { type Fault, numberOf, textOf } from "./fault.ts";

/** A request that met a fault. `next` carries it out. */
interface Met {
  readonly world: World;
  readonly fault: Fault;
  readonly params: Readonly<Record<string, string>>;
  readonly next: () => Promise<Answer>;
}

type RequestFault = (met: Met) => Answer | Promise<Answer>;

/** What can go wrong with a request. One entry is one fault; what it leaves out with `next` never happens. */
const REQUEST_FAULTS: Readonly<Record<string, RequestFault>> = {
  offerTaken400: ({ params }) =>
    refusal(400, "invalid_args", `error 400/3603: no_such_ask Instance type by id ${params.id} is not available.`),
  offerTaken404: ({ params }) =>
    refusal(404, "invalid_args", `error 404/3603: no_such_ask Instance type by id ${params.id} is not available.`),
  offerTaken410: ({ params }) => noLongerAvailable(params.id ?? ""),
  insufficientCredit: () => refusal(400, "insufficient_credit", "Your account lacks credit; see the billing page."),
  spendLimit: () => refusal(400, "spend_rate_limit", "New accounts may spend only so much per hour."),
  tooFrequent: ({ fault }) => TOO_FREQUENT[styleOf(fault)](numberOf(fault, "threshold", 4.5)),
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
  slow: async ({ world, fault, next }) => {
    await sleep(world.clock, numberOf(fault, "seconds", 5));
    return next();
  },
  slowAfter: async ({ world, fault, next }) => {
    const answer = await next();
    await sleep(world.clock, numberOf(fault, "seconds", 5));
    return answer;
  },
  /** Waits before its effect until `DELETE /_sim/held`, however long that takes. `GET /_sim/held` tells that it waits. */
  hold: async ({ world, next }) => {
    await world.holds.hold();
    return next();
  },
  /** The same, between its effect and its answer. */
  holdAfter: async ({ world, next }) => {
    const answer = await next();
    await world.holds.hold();
    return answer;
  },
  /** The same, and it is then lost without an effect. */
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
  authError404: () => refusal(404, "auth_error", "Invalid user key"),
  authError401: () => refusal(401, "auth_error", "Invalid user key"),
  errorWithContract: async ({ world, next }) => errorWithContract(createdStopped(world, await next())),
  createdStopped: async ({ world, next }) => createdStopped(world, await next()),
  startQueued: ({ world, params }) => {
    const contract = world.contracts.get(Number(params.id));
    if (contract !== undefined) world.life.queue(contract);
    return refusal(200, "resources_unavailable", "Required resources are currently unavailable, state change queued.");
  },
  destroyIgnored: () => json(200, { success: true }),
  destroySlow: ({ world, fault, params, next }) => {
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

/** An error that has rented all the same. */
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

function contractIn(answer: Answer): number | undefined {
  return "cut" in answer ? undefined : JSON.parse(answer.body).new_contract;
}

function styleOf(fault: Fault): TooFrequentStyle {
  const style = textOf(fault, "style", "detail");
  return style in TOO_FREQUENT ? (style as TooFrequentStyle) : "detail";
}
