import { isHandClock } from "../base/clock.ts";
import { UnusableFault } from "../faults/fault.ts";
import { happen } from "../world/mishaps.ts";
import { ledger, stopWhenBroke, type World } from "../world/world.ts";
import { type Answer, json } from "./answer.ts";

type Body = Readonly<Record<string, unknown>>;

interface Control {
  readonly world: World;
  /** What follows the noun in the path. */
  readonly id: string;
  readonly verb: string;
  /** As it came. */
  readonly body: unknown;
  /** The same, when it is an object. */
  readonly fields: Body;
}

const CONTROLS: Readonly<Record<string, (control: Control) => Answer | Promise<Answer>>> = {
  "GET ledger": ({ world }) => json(200, ledger(world)),
  "GET requests": ({ world }) => json(200, world.requests),
  "GET faults": ({ world }) => json(200, world.faults.list()),
  "GET held": awaitHeld,
  "DELETE held": ({ world }) => json(200, { letGo: world.holds.letGo() }),
  "POST faults": addFaults,
  "DELETE faults": clearFaults,
  "POST instances": meddle,
  "POST market": moveMarket,
  "POST account": changeAccount,
  "POST jobs": changeJobs,
  "POST clock": turnClock,
};

/** Shows and changes the world. Not part of Vast's API; needs no key. */
export async function control(world: World, method: string, path: string, body: unknown): Promise<Answer> {
  const [, , noun = "", id = "", verb = ""] = path.split("/");
  const fields: Body = typeof body === "object" && body !== null ? (body as Body) : {};
  const action = CONTROLS[`${method} ${noun}`];
  if (action === undefined)
    return json(404, { error: `there is no ${method} ${path}; there are ${Object.keys(CONTROLS).join(", ")}` });
  try {
    return await action({ world, id, verb, body, fields });
  } catch (error) {
    if (error instanceof Unusable || error instanceof UnusableFault) return json(400, { error: error.message });
    throw error;
  }
}

/** A request to the controls that makes no sense; the text says why. */
class Unusable extends Error {}

/** Answers as soon as a request is held. */
async function awaitHeld({ world }: Control): Promise<Answer> {
  await world.holds.seen();
  return json(200, { held: true });
}

function addFaults({ world, body }: Control): Answer {
  world.faults.add(...(Array.isArray(body) ? body : [body]));
  return json(200, world.faults.list());
}

function clearFaults({ world }: Control): Answer {
  world.faults.clear();
  return json(200, { ok: true });
}

function meddle({ world, id, verb, fields }: Control): Answer {
  const contract = world.contracts.get(Number(id));
  if (contract === undefined || contract.state === "gone") throw new Unusable(`there is no instance ${id}`);
  const problem = happen(world, contract, verb, fields);
  if (problem !== undefined) throw new Unusable(problem);
  return json(200, { ok: true, state: contract.state });
}

function moveMarket({ world, fields }: Control): Answer {
  const { factor, machineId, offerId } = fields;
  if (typeof factor !== "number" || !(factor > 0)) throw new Unusable(`"factor" must be a positive number`);
  const moved = world.market.move({
    factor,
    ...(typeof machineId === "number" ? { machineId } : {}),
    ...(typeof offerId === "number" ? { offerId } : {}),
  });
  for (const machine of moved) world.life.settle(machine);
  return json(200, { ok: true, machines: moved.length });
}

/**
 * `credit`: dollars left from now on; none stops every machine. `unknownKeyStatus`: 401 or 404. `otherKeys`
 * [{key, accountId}]: further keys, of this account or another one.
 */
function changeAccount({ world, fields }: Control): Answer {
  const { credit, unknownKeyStatus, otherKeys } = fields;
  if (Array.isArray(otherKeys)) world.account.otherKeys = otherKeys;
  if (unknownKeyStatus === 401 || unknownKeyStatus === 404) world.account.unknownKeyStatus = unknownKeyStatus;
  if (typeof credit === "number") world.account.paidIn = credit + ledger(world).total;
  stopWhenBroke(world);
  return json(200, { ok: true });
}

/** `reading` waits or nextHour: how a job's start is read. `putsWork`: whether a job's PUT has an effect. */
function changeJobs({ world, fields }: Control): Answer {
  const { reading, putsWork } = fields;
  if (reading === "waits" || reading === "nextHour") world.schedule.reading = reading;
  else if (reading !== undefined) throw new Unusable(`"reading" must be waits or nextHour`);
  if (typeof putsWork === "boolean") world.schedule.putsWork = putsWork;
  return json(200, { ok: true });
}

async function turnClock({ world, fields }: Control): Promise<Answer> {
  const { advanceSeconds } = fields;
  if (!isHandClock(world.clock))
    throw new Unusable("this simulator runs by the real clock; start it with --hand-clock");
  if (typeof advanceSeconds !== "number" || !(advanceSeconds >= 0))
    throw new Unusable(`"advanceSeconds" must be a number that is not negative`);
  await world.clock.advance(advanceSeconds);
  return json(200, { ok: true, now: world.clock.now() });
}
