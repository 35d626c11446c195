import assert from "node:assert/strict";
import { test } from "node:test";
import { openBench } from "../../support/simulator.ts";

const AUTH_ERROR = { success: false, error: "auth_error", msg: "Invalid user key" };

test("an unknown key is 404 auth_error, or 401 where that is wanted", async (t) => {
  const { ask } = await openBench(t);
  for (const key of ["wrong", null]) {
    const { status, body } = await ask("GET", "/api/v0/users/current", undefined, key);
    assert.equal(status, 404);
    assert.deepEqual(body, AUTH_ERROR);
  }
  const strict = await openBench(t, { unknownKeyStatus: 401 });
  assert.equal((await strict.ask("GET", "/api/v1/instances/", undefined, "wrong")).status, 401);
  await strict.ask("POST", "/_sim/account", { unknownKeyStatus: 404 }, null);
  assert.equal((await strict.ask("GET", "/api/v1/instances/", undefined, "wrong")).status, 404);
});

test("the key may come in the query, and never reaches the log", async (t) => {
  const { ask, simulator } = await openBench(t);
  const { apiKey } = simulator;
  assert.equal((await ask("GET", `/api/v0/users/current/?api_key=${apiKey}`, undefined, null)).status, 200);
  await ask("GET", "/api/v0/users/current/");
  const { text, body } = await ask("GET", "/_sim/requests", undefined, null);
  assert.ok(!text.includes(apiKey));
  assert.deepEqual(
    body.map(({ authorized }: { authorized: boolean }) => authorized),
    [true, true],
  );
});

test("the log has what was asked and answered, and not the controls", async (t) => {
  const lines: string[] = [];
  const { ask, simulator } = await openBench(t, { log: (line) => lines.push(line) });
  await ask("PUT", "/api/v0/instances/42/?owner=me", { label: "x" });
  await ask("GET", "/_sim/ledger");
  const { requests } = simulator.world;
  assert.equal(requests.length, 1);
  const { at, ms, ...rest } = requests[0] ?? { at: 0, ms: 0 };
  assert.deepEqual(rest, {
    method: "PUT",
    path: "/api/v0/instances/42/?owner=me",
    endpoint: "PUT /instances/{id}/",
    authorized: true,
    body: { label: "x" },
    status: 404,
  });
  assert.ok(at > 0 && ms >= 0);
  assert.match(lines.at(-1) ?? "", /^404 +PUT +\/api\/v0\/instances\/42\//);
});

test("an instance's own key opens that instance and nothing else", async (t) => {
  const { ask, rent, running, simulator, clock } = await openBench(t);
  const id = await running();
  const other = await rent();
  await clock.advance(10);
  const key = simulator.world.contracts.get(id)?.apiKey ?? "";
  const status = async (method: string, path: string, body?: unknown) => (await ask(method, path, body, key)).status;
  assert.equal(await status("GET", `/api/v0/instances/${id}/`), 200);
  assert.equal(await status("PUT", `/api/v0/instances/${id}/`, { state: "stopped" }), 200);
  for (const [method, path] of [
    ["GET", `/api/v0/instances/${other}/`],
    ["DELETE", `/api/v0/instances/${other}/`],
    ["GET", "/api/v1/instances/"],
    ["GET", "/api/v0/users/current/"],
    ["PUT", "/api/v0/asks/1/"],
  ] as const)
    assert.equal(await status(method, path), 404, `${method} ${path}`);
  assert.equal(await status("DELETE", `/api/v0/instances/${id}/`), 200);
  await clock.advance(10);
  assert.equal(await status("GET", `/api/v0/instances/${id}/`), 404, "the key dies with its instance");
});

test("a further key opens the account, or another one that sees nothing here", async (t) => {
  const { ask, rent, simulator, clock } = await openBench(t);
  const id = await rent();
  await clock.advance(10);
  const own = simulator.world.account.id;
  const otherKeys = [
    { key: "second", accountId: own },
    { key: "stranger", accountId: 5 },
  ];
  await ask("POST", "/_sim/account", { otherKeys }, null);
  const seen = async (key: string) => {
    const [user, list, one] = [
      await ask("GET", "/api/v0/users/current/", undefined, key),
      await ask("GET", "/api/v1/instances/", undefined, key),
      await ask("GET", `/api/v0/instances/${id}/`, undefined, key),
    ];
    return [user.body.id, list.body.total_instances, one.body.instances?.id ?? null];
  };
  assert.deepEqual(await seen("second"), [own, 1, id]);
  assert.deepEqual(await seen("stranger"), [5, 0, null]);
  const { status, body } = await ask("DELETE", `/api/v0/instances/${id}/`, {}, "stranger");
  assert.deepEqual([status, body.error], [404, "no_such_instance"]);
  assert.equal((await ask("PUT", "/api/v0/asks/1/", {}, "stranger")).status, 403);
  assert.deepEqual(
    simulator.world.contracts.living().map((contract) => contract.id),
    [id],
  );
});

test("unknown paths, unknown methods, bodies that are no JSON", async (t) => {
  const { ask } = await openBench(t);
  assert.equal((await ask("GET", "/api/v0/nonsense/")).status, 404);
  assert.equal((await ask("GET", "/nonsense")).status, 404);
  assert.equal((await ask("PATCH", "/api/v0/instances/1/", {})).status, 405);
  assert.equal((await ask("PUT", "/api/v0/instances/1/", "{")).body.error, "invalid_request");
});
