import type { Contract } from "../contracts/contract.ts";
import { minBid } from "../contracts/occupancy.ts";
import { visibleInstance } from "../world/world.ts";
import { type Answer, json, noSuchInstance, refusal } from "./answer.ts";
import { instanceRow } from "./instance-row.ts";
import { labelOf, refusing } from "./order.ts";
import type { Call, Route } from "./route.ts";

export const instanceRoutes: readonly Route[] = [
  { endpoint: "GET /instances/{id}/", open: "instance", answer: show },
  { endpoint: "PUT /instances/{id}/", open: "instance", answer: (call) => onInstance(call, change) },
  { endpoint: "DELETE /instances/{id}/", open: "instance", answer: (call) => onInstance(call, destroy) },
  { endpoint: "PUT /instances/", answer: changeMany },
  { endpoint: "DELETE /instances/", answer: destroyMany },
  { endpoint: "PUT /instances/reboot/{id}/", answer: (call) => onInstance(call, reboot) },
  { endpoint: "PUT /instances/recycle/{id}/", answer: (call) => onInstance(call, recycle) },
  { endpoint: "PUT /instances/bid_price/{id}/", answer: (call) => onInstance(call, changeBid) },
];

const DONE = json(200, { success: true });

/** Calls that act reach any living contract by its id, even before GET or the list shows it. */
export function onInstance(call: Call, action: (call: Call, contract: Contract) => Answer): Answer {
  const id = call.params.id ?? "";
  if (!/^\d+$/.test(id)) return refusal(400, "invalid_args", "invalid id");
  const contract = call.world.contracts.get(Number(id));
  if (contract === undefined || contract.state === "gone") return noSuchInstance(id);
  return refusing(() => action(call, contract));
}

/** Unknown, destroyed and not yet shown: all answer null. */
function show({ world, params }: Call): Answer {
  const contract = visibleInstance(world, Number(params.id));
  return json(200, { instances: contract === undefined ? null : instanceRow(world, contract) });
}

function change({ world, body }: Call, contract: Contract): Answer {
  if (contract.state === "destroying") return noSuchInstance(contract.id);
  if (body.label !== undefined) contract.label = labelOf(body.label);
  if (body.state === undefined) return DONE;
  if (body.state === "stopped") {
    world.life.stop(contract);
    return DONE;
  }
  if (body.state === "running") return start({ world, body }, contract);
  return refusal(400, "invalid_args", `invalid state ${String(body.state)}`);
}

const STARTABLE = new Set(["stopped", "stopping", "queued", "crashed"]);

function start({ world }: Pick<Call, "world" | "body">, contract: Contract): Answer {
  if (contract.state === "expired")
    return refusal(400, "invalid_args", `Instance ${contract.id} has expired and cannot be started.`);
  if (!STARTABLE.has(contract.state) || world.life.start(contract)) return DONE;
  return refusal(200, "resources_unavailable", "Required resources are currently unavailable, state change queued.");
}

function destroy({ world }: Call, contract: Contract): Answer {
  if (contract.state !== "destroying") world.life.destroy(contract);
  return DONE;
}

function changeMany(call: Call): Answer {
  return each(call, call.body.ids, change);
}

function destroyMany(call: Call): Answer {
  return each(call, call.body.instance_ids, destroy);
}

function each(call: Call, ids: unknown, action: (call: Call, contract: Contract) => Answer): Answer {
  if (!Array.isArray(ids)) return refusal(400, "invalid_args", "ids is required");
  for (const id of ids) onInstance({ ...call, params: { id: String(id) } }, action);
  return DONE;
}

function reboot({ world }: Call, contract: Contract): Answer {
  if (contract.state !== "running") return refusal(400, "invalid_args", `Instance ${contract.id} is not running.`);
  world.life.reboot(contract);
  return DONE;
}

function recycle({ world }: Call, contract: Contract): Answer {
  if (contract.state !== "running") return refusal(400, "invalid_args", `Instance ${contract.id} is not running.`);
  world.life.recycle(contract);
  return DONE;
}

/** Without a price the server picks one that wins. */
function changeBid({ world, body }: Call, contract: Contract): Answer {
  if (contract.bid === null) return refusal(400, "invalid_args", `Instance ${contract.id} is not interruptible.`);
  const price = body.price ?? minBid(world.contracts, contract.offer, contract);
  if (typeof price !== "number" || price < 0.001)
    return refusal(400, "invalid_args", "Please set a bid price >= 0.001.");
  if (price > 32) return refusal(400, "invalid_args", "Please set a bid price <= 32.");
  world.life.rebid(contract, price);
  return DONE;
}
