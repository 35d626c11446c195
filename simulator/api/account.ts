import { rounded } from "../base/random.ts";
import type { AccountKey } from "../world/account.ts";
import { credit, ledger } from "../world/world.ts";
import { type Answer, json, refusal } from "./answer.ts";
import type { Call, Route } from "./route.ts";

export const accountRoutes: readonly Route[] = [
  { endpoint: "GET /users/current/", answer: user },
  { endpoint: "GET /charges/", answer: charges },
  { endpoint: "GET /api/v1/invoices/", answer: invoices },
  { endpoint: "GET /ssh/", answer: showKeys },
  { endpoint: "POST /ssh/", answer: addKey },
  { endpoint: "PUT /ssh/{id}/", answer: changeKey },
  { endpoint: "DELETE /ssh/{id}/", answer: deleteKey },
];

/** The key really comes back here: a client must not print it. */
function user({ world }: Call): Answer {
  const { id, email, apiKey, keys } = world.account;
  return json(200, {
    id,
    email,
    username: "simulator",
    credit: rounded(credit(world), 6),
    balance: 0,
    balance_threshold: 0,
    balance_threshold_enabled: false,
    autobill_threshold: null,
    autobill_amount: null,
    has_billing: true,
    can_pay: true,
    ssh_key: keys[0]?.publicKey ?? null,
    sid: "sid_simulator",
    api_key: apiKey,
  });
}

function charges({ world, query }: Call): Answer {
  const lines = ledger(world).contracts;
  const limit = Math.min(500, Number(query.get("limit") ?? 100) || 100);
  const results = lines.slice(0, limit).map((line) => ({
    start: line.createdAt / 1000,
    end: (line.destroyedAt ?? world.clock.now()) / 1000,
    type: "instance",
    source: `instance-${line.id}`,
    description: `${line.gpus}x ${line.gpuName}`,
    amount: rounded(line.cost.total, 3),
    metadata: { label: line.label, template_id: null },
    items: [
      { type: "gpu", amount: rounded(line.cost.gpu, 3) },
      { type: "disk", amount: rounded(line.cost.disk, 3) },
      ...(line.cost.traffic === 0 ? [] : [{ type: "bwu", amount: rounded(line.cost.traffic, 3) }]),
    ],
  }));
  const total = rounded(
    results.reduce((sum, { amount }) => sum + amount, 0),
    3,
  );
  return json(200, { success: true, count: results.length, total, next_token: null, results });
}

function invoices({ world }: Call): Answer {
  const results = [{ id: 1, type: "payment", amount: world.account.paidIn }];
  return json(200, { success: true, count: 1, total: 1, next_token: null, results });
}

function showKeys({ world }: Call): Answer {
  const { keys, id } = world.account;
  if (keys.length === 0) return refusal(404, "no_ssh_key", "No ssh keys found.");
  return json(
    200,
    keys.map(({ publicKey, ...key }) => ({ ...dated(key, id), key: publicKey })),
  );
}

function shown({ publicKey, ...key }: AccountKey, user: number) {
  return { ...dated(key, user), public_key: publicKey };
}

/** The documented form: times to the second. */
function dated({ id, createdAt }: Omit<AccountKey, "publicKey">, user: number) {
  const moment = new Date(createdAt).toISOString().replace(/\.\d+Z$/, "Z");
  return { id, user_id: user, created_at: moment, deleted_at: null };
}

function addKey({ world, body }: Call): Answer {
  const publicKey = String(body.ssh_key ?? "").trim();
  if (publicKey === "") return refusal(400, "no_ssh_key", "ssh_key is required");
  const key = { id: world.keyIds.next(), publicKey, createdAt: world.clock.now() };
  world.account.keys.push(key);
  return json(200, { success: true, key: shown(key, world.account.id) });
}

function changeKey({ world, params, body }: Call): Answer {
  const key = world.account.keys.find(({ id }) => id === Number(params.id));
  const publicKey = String(body.ssh_key ?? "").trim();
  if (key === undefined || publicKey === "") return refusal(400, "no_ssh_key", "no such ssh key");
  key.publicKey = publicKey;
  return json(200, { success: true, key: shown(key, world.account.id) });
}

function deleteKey({ world, params }: Call): Answer {
  const { account } = world;
  const left = account.keys.filter(({ id }) => id !== Number(params.id));
  if (left.length === account.keys.length) return refusal(400, "no_ssh_key", "no such ssh key");
  account.keys = left;
  return json(200, { success: true });
}
