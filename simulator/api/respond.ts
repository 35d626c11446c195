import { ACCOUNTS_KEY } from "../world/audit.ts";
import { stopWhenBroke, type World } from "../world/world.ts";
import { type Answer, authError, refusal, tooFrequent } from "./answer.ts";
import { meetFault } from "./request-faults.ts";
import { type Call, type Caller, findRoute, type Match, type Route } from "./route.ts";
import { ROUTES } from "./routes.ts";
import { toStranger } from "./stranger.ts";

/** A request as it came in. */
export interface Incoming {
  readonly method: string;
  readonly url: URL;
  /** What Authorization or api_key held. */
  readonly key: string | undefined;
  readonly address: string;
  /** Text of the body. */
  readonly body: string;
}

/** The answer, and what else goes into the log. */
export interface Outcome {
  readonly answer: Answer;
  readonly endpoint: string;
  readonly authorized: boolean;
  readonly fault?: string;
}

/** Checks the key and the rate limit, applies scripted faults, then calls the endpoint. */
export async function respond(world: World, incoming: Incoming): Promise<Outcome> {
  const { method, url } = incoming;
  stopWhenBroke(world);
  const found = findRoute(ROUTES, method, url.pathname);
  const caller = callerOf(world, incoming.key);
  const authorized = caller.kind !== "anybody";
  if (found === undefined || found === "other-method")
    return { answer: noRoute(method, url, found), endpoint: `${method} ${url.pathname}`, authorized };
  const { endpoint } = found.route;
  const early = turnedAway(world, incoming, found, caller);
  if (early !== undefined) return { answer: early, endpoint, authorized };
  const body = bodyOf(incoming.body);
  if (body === undefined) return { answer: refusal(400, "invalid_request", "Invalid json body"), endpoint, authorized };
  const call = { world, caller, params: found.params, query: url.searchParams, body };
  audit(call, incoming);
  return { ...(await carryOut(call, found.route)), endpoint, authorized };
}

function turnedAway(world: World, { key, address }: Incoming, { route, params }: Match, caller: Caller) {
  // Documented for the search.
  if (route.open === "keyless" && key !== undefined && caller.kind === "anybody")
    return refusal(404, "invalid_request", "Invalid user key");
  if (!mayCall(route, params, caller)) return authError(world.account.unknownKeyStatus);
  const threshold = world.gates?.broken(key ?? address, route.endpoint, world.clock.now());
  return threshold === undefined ? undefined : tooFrequent(route.endpoint, threshold);
}

async function carryOut(call: Call, route: Route): Promise<{ answer: Answer; fault?: string }> {
  const { world, params } = call;
  const fault = world.faults.take({ on: route.endpoint, ...subjectOf(world, route, params) });
  const next = async (changes: Partial<Call> = {}) => answerOf(route, { ...call, ...changes });
  if (fault === undefined) return { answer: await next() };
  return { answer: await meetFault({ world, fault, call, next }), fault: fault.do };
}

const CHANGES = ["PUT", "POST", "DELETE"];

/** Records the key of each call that may change something. */
function audit({ world, caller, body }: Call, { method, url, address }: Incoming): void {
  if (!CHANGES.includes(method) || (caller.kind !== "account" && caller.kind !== "instance")) return;
  const keyId = caller.kind === "account" ? ACCOUNTS_KEY : caller.contract.id;
  const { image_login: _, ...args } = body;
  world.audit.push({ at: world.clock.now(), keyId, address, route: `${method} ${url.pathname}`, args });
}

function answerOf({ endpoint, answer }: Route, call: Call): Answer | Promise<Answer> {
  const { caller } = call;
  return caller.kind === "stranger" ? toStranger(caller.accountId, endpoint, call) : answer(call);
}

/** Which offer, instance and machine a request is about. */
function subjectOf(world: World, { endpoint }: Route, params: Readonly<Record<string, string>>) {
  const id = Number(params.id);
  if (endpoint.includes("/asks/")) return { offerId: id, machineId: world.market.offer(id)?.machine.id };
  if (!endpoint.includes("/instances/")) return {};
  const offer = world.contracts.get(id)?.offer;
  return { instanceId: id, offerId: offer?.ask.id, machineId: offer?.machine.id };
}

function callerOf({ account, contracts }: World, key: string | undefined): Caller {
  if (key === undefined) return { kind: "anybody" };
  const accountId = key === account.apiKey ? account.id : account.otherKeys.find((one) => one.key === key)?.accountId;
  if (accountId !== undefined) return accountId === account.id ? { kind: "account" } : { kind: "stranger", accountId };
  const contract = contracts.byKey(key);
  return contract === undefined ? { kind: "anybody" } : { kind: "instance", contract };
}

function mayCall({ open }: Route, params: Readonly<Record<string, string>>, caller: Caller): boolean {
  if (open === "anybody" || open === "keyless" || caller.kind === "account" || caller.kind === "stranger") return true;
  return open === "instance" && caller.kind === "instance" && String(caller.contract.id) === params.id;
}

function noRoute(method: string, url: URL, found: "other-method" | undefined): Answer {
  if (found === "other-method")
    return refusal(405, "method_not_allowed", `${method} is not allowed for ${url.pathname}`);
  return refusal(404, "not_found", `The simulator has no endpoint ${method} ${url.pathname}`);
}

function bodyOf(text: string): Record<string, unknown> | undefined {
  if (text.trim() === "") return {};
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
