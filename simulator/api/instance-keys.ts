import type { Contract } from "../contracts/contract.ts";
import { type Answer, json, refusal } from "./answer.ts";
import { onInstance } from "./instances.ts";
import type { Call, Route } from "./route.ts";

export const instanceKeyRoutes: readonly Route[] = [
  { endpoint: "GET /instances/{id}/ssh/", answer: (call) => onInstance(call, show) },
  { endpoint: "POST /instances/{id}/ssh/", answer: (call) => onInstance(call, attach) },
  { endpoint: "DELETE /instances/{id}/ssh/{key}/", answer: (call) => onInstance(call, detach) },
];

/** The list comes as a string that has to be parsed once more. */
function show(_: Call, { keys }: Contract): Answer {
  const shown = keys.map(({ id, publicKey }) => ({ id, public_key: publicKey }));
  return json(200, { success: true, ssh_keys: JSON.stringify(shown) });
}

function attach({ world, body }: Call, contract: Contract): Answer {
  const publicKey = String(body.ssh_key ?? "").trim();
  if (publicKey === "") return refusal(400, "no_ssh_key", "ssh_key is required");
  contract.keys = [...contract.keys, { id: world.keyIds.next(), publicKey }];
  world.life.keysChanged(contract);
  return json(200, { success: true, msg: "SSH key added to instance." });
}

function detach({ world, params }: Call, contract: Contract): Answer {
  const left = contract.keys.filter(({ id }) => id !== Number(params.key));
  if (left.length === contract.keys.length) return refusal(404, "no_such_ssh_key", "No such ssh key.");
  contract.keys = left;
  world.life.keysChanged(contract);
  return json(200, { success: true });
}
