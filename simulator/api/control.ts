import { isHandClock } from "../clock.ts";
import { BOOT_FAULT_NAMES } from "../faults/boot-faults.ts";
import type { Fault } from "../faults/fault.ts";
import { happen, MISHAP_NAMES } from "../faults/mishaps.ts";
import { REQUEST_FAULT_NAMES } from "../faults/request-faults.ts";
import { ledger, stopWhenBroke, type World } from "../world.ts";
import { type Answer, json } from "./answer.ts";
import { ROUTES } from "./routes.ts";

type Body = Readonly<Record<string, unknown>>;

/** Looking at the world and meddling with it: no part of Vast's API, and no key is needed. */
export async function control(world: World, method: string, path: string, body: unknown): Promise<Answer> {
  const [, , noun = "", id = "", verb = ""] = path.split("/");
  const fields: Body = typeof body === "object" && body !== null ? (body as Body) : {};
  try {
    switch (`${method} ${noun}`) {
      case "GET ledger":
        return json(200, ledger(world));
      case "GET requests":
        return json(200, world.requests);
      case "GET faults":
        return json(200, world.faults.list());
      case "POST faults":
        return addFaults(world, body);
      case "DELETE faults":
        world.faults.clear();
        return json(200, { ok: true });
      case "POST instances":
        return meddle(world, Number(id), verb, fields);
      case "POST market":
        return moveMarket(world, fields);
      case "POST account":
        return changeAccount(world, fields);
      case "POST clock":
        return await turnClock(world, fields);
      default:
        return json(404, { error: `there is no ${method} ${path}` });
    }
  } catch (error) {
    if (error instanceof Unusable) return json(400, { error: error.message });
    throw error;
  }
}

/** A request to the controls that makes no sense; the text says why. */
class Unusable extends Error {}

function addFaults(world: World, body: unknown): Answer {
  script(world, ...(Array.isArray(body) ? body : [body]));
  return json(200, world.faults.list());
}

/** Scripts faults, all or none. Throws when one can never occur. */
export function script(world: World, ...faults: Fault[]): void {
  for (const fault of faults.map(checkedFault)) world.faults.add(fault);
}

/** A fault on something that never occurs would make a test pass for the wrong reason. */
function checkedFault(value: unknown): Fault {
  const fault = value as Fault;
  const { on, names } = occasionNamed(fault?.on);
  if (!names.includes(fault.do))
    throw new Unusable(`"do" for ${on} is one of ${names.join(", ")}, not ${JSON.stringify(fault.do)}`);
  return { ...fault, on };
}

function occasionNamed(on: unknown): { on: string; names: readonly string[] } {
  if (on === "boot") return { on, names: BOOT_FAULT_NAMES };
  if (on === "run") return { on, names: MISHAP_NAMES };
  const route = ROUTES.find(({ endpoint }) => shape(endpoint) === shape(String(on)));
  if (route !== undefined) return { on: route.endpoint, names: REQUEST_FAULT_NAMES };
  throw new Unusable(`a fault's "on" is "boot", "run" or an endpoint, not ${JSON.stringify(on)}`);
}

/** The slash at the end, /api/v0 before and the names within braces make no difference. */
function shape(endpoint: string): string {
  return endpoint
    .replace("/api/v0", "")
    .replace(/\{\w+\}/g, "{}")
    .replace(/\/$/, "");
}

function meddle(world: World, id: number, name: string, args: Body): Answer {
  const contract = world.contracts.get(id);
  if (contract === undefined || contract.state === "gone") throw new Unusable(`there is no instance ${id}`);
  const problem = happen(world, contract, name, args);
  if (problem !== undefined) throw new Unusable(problem);
  return json(200, { ok: true, state: contract.state });
}

function moveMarket(world: World, { factor, machineId, offerId }: Body): Answer {
  if (typeof factor !== "number" || !(factor > 0)) throw new Unusable(`"factor" must be a positive number`);
  const moved = world.market.move({
    factor,
    ...(typeof machineId === "number" ? { machineId } : {}),
    ...(typeof offerId === "number" ? { offerId } : {}),
  });
  for (const machine of moved) world.life.settle(machine);
  return json(200, { ok: true, machines: moved.length });
}

/** `credit` dollars left from now on; nothing left stops every machine. `unknownKeyStatus` 401 or 404. */
function changeAccount(world: World, { credit, unknownKeyStatus }: Body): Answer {
  if (unknownKeyStatus === 401 || unknownKeyStatus === 404) world.account.unknownKeyStatus = unknownKeyStatus;
  if (typeof credit === "number") world.account.paidIn = credit + ledger(world).total;
  stopWhenBroke(world);
  return json(200, { ok: true });
}

async function turnClock(world: World, { advanceSeconds }: Body): Promise<Answer> {
  if (!isHandClock(world.clock))
    throw new Unusable("this simulator runs by the real clock; start it with --hand-clock");
  if (typeof advanceSeconds !== "number" || !(advanceSeconds >= 0))
    throw new Unusable(`"advanceSeconds" must be a number that is not negative`);
  await world.clock.advance(advanceSeconds);
  return json(200, { ok: true, now: world.clock.now() });
}
