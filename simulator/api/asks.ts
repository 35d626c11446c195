import { sleep } from "../base/clock.ts";
import { secondsOf } from "../base/timings.ts";
import type { Contract } from "../contracts/contract.ts";
import { minBid } from "../contracts/occupancy.ts";
import { newContract } from "../contracts/rent.ts";
import type { Offer } from "../market/machine.ts";
import { credit, type World } from "../world/world.ts";
import { type Answer, json, refusal } from "./answer.ts";
import { isRentable, totalPerHour } from "./offers.ts";
import { invalid, Refused, readOrder, type Wanted } from "./order.ts";
import type { Call, Route } from "./route.ts";

export const askRoutes: readonly Route[] = [
  { endpoint: "PUT /asks/{id}/", answer: (call) => rentOne(call) },
  { endpoint: "POST /asks/bulk/", answer: (call) => rentMany(call) },
];

async function rentOne(call: Call): Promise<Answer> {
  const { world } = call;
  const seconds = secondsOf(world.timings.rent, world.random);
  if (seconds > 0) await sleep(world.clock, seconds);
  return rent(call, call.params.id ?? "");
}

function rentMany(call: Call): Answer {
  const { ids } = call.body;
  if (!Array.isArray(ids)) return refusal(400, "invalid_args", "ids is required");
  const results = ids.map((id) => rent(call, String(id)));
  return json(200, {
    success: true,
    results: results.map((answer) => ("body" in answer ? JSON.parse(answer.body) : {})),
  });
}

function rent({ world, body }: Call, id: string): Answer {
  try {
    const offer = offerOf(world, id);
    const wanted = readOrder(body, offer);
    checkAccount(world, offer, wanted);
    return granted(world, offer, wanted);
  } catch (error) {
    if (error instanceof Refused) return error.answer;
    throw error;
  }
}

function offerOf(world: World, id: string): Offer {
  if (!/^\d+$/.test(id)) return invalid("id is required");
  const offer = world.market.offer(Number(id));
  if (offer === undefined)
    throw new Refused(
      refusal(404, "invalid_args", `error 404/3603: no_such_ask Instance type by id ${id} is not available.`),
    );
  if (!isRentable(world, offer)) throw new Refused(noLongerAvailable(id));
  return offer;
}

export function noLongerAvailable(id: string | number): Answer {
  return refusal(410, "no_such_ask", `error 410/3907: no_such_ask Instance type ${id} is no longer available.`);
}

function checkAccount(world: World, offer: Offer, { order, bid }: Wanted): void {
  if (order.vm && world.account.keys.length === 0) invalid("a VM needs an account ssh key", "no_ssh_key_for_vm");
  if (credit(world) < totalPerHour(offer, bid, order.diskGb))
    invalid("Your account lacks credit; see the billing page.", "insufficient_credit");
}

/** A bid that does not get the slice leaves a stopped contract, unless the order forbids that. */
function granted(world: World, offer: Offer, wanted: Wanted): Answer {
  const needed = minBid(world.contracts, offer);
  const tooLow = wanted.bid !== null && wanted.bid < needed;
  if (tooLow && wanted.orNothing) return noLongerAvailable(offer.ask.id);
  const contract = newContract(world, offer, wanted.order, wanted);
  if (tooLow) {
    world.life.shelve(contract, "unavailable");
    const msg = `bid ${wanted.bid} is below the minimum bid ${needed.toFixed(4)}`;
    return refusal(400, "insufficient_bid", msg, { new_contract: contract.id });
  }
  begin(world, contract, wanted.stopped);
  return json(200, { success: true, new_contract: contract.id, instance_api_key: contract.apiKey });
}

function begin(world: World, contract: Contract, stopped: boolean): void {
  if (stopped) {
    world.life.shelve(contract, "asked");
    return;
  }
  world.life.boot(contract);
  world.life.settle(contract.offer.machine);
}
