import assert from "node:assert/strict";
import { test } from "node:test";
import { type Body, openBench } from "../../support/simulator.ts";

test("the current user, with the key that a client must not print", async (t) => {
  const { ask, simulator } = await openBench(t);
  const { body } = await ask("GET", "/api/v0/users/current?owner=me");
  assert.equal(body.credit, 100);
  assert.equal(body.balance, 0);
  assert.equal(body.api_key, simulator.apiKey);
  for (const field of ["id", "email", "username", "balance_threshold", "has_billing", "can_pay", "ssh_key", "sid"])
    assert.ok(field in body, field);
});

test("the account's ssh keys", async (t) => {
  const { ask } = await openBench(t);
  assert.equal((await ask("GET", "/api/v0/ssh/")).status, 404, "an account without keys");
  const empty = await ask("POST", "/api/v0/ssh/", { ssh_key: " " });
  assert.equal(empty.status, 400);
  assert.equal(empty.body.error, "no_ssh_key");
  const { body } = await ask("POST", "/api/v0/ssh/", { ssh_key: "ssh-ed25519 AAAA me\n" });
  assert.equal(body.success, true);
  assert.equal(body.key.public_key, "ssh-ed25519 AAAA me");
  const { id, user_id } = body.key;
  assert.deepEqual(Object.keys(body.key), ["id", "user_id", "created_at", "deleted_at", "public_key"]);
  assert.equal(body.key.created_at, "2026-09-01T00:00:00Z");
  await ask("PUT", `/api/v0/ssh/${id}/`, { id, ssh_key: "ssh-ed25519 BBBB me" });
  const list = await ask("GET", "/api/v0/ssh/");
  assert.deepEqual(
    list.body.map((key: Body) => [key.id, key.user_id, key.key]),
    [[id, user_id, "ssh-ed25519 BBBB me"]],
  );
  assert.equal((await ask("DELETE", `/api/v0/ssh/${id}/`, {})).status, 200);
  assert.equal((await ask("DELETE", `/api/v0/ssh/${id}/`, {})).body.error, "no_ssh_key");
});

test("charges by instance, in thousandths", async (t) => {
  const { ask, running, clock } = await openBench(t);
  const id = await running();
  await clock.advance(3600);
  const { body } = await ask("GET", "/api/v0/charges?limit=500&format=table");
  assert.equal(body.success, true);
  assert.equal(body.count, 1);
  const [charge] = body.results;
  assert.equal(charge.source, `instance-${id}`);
  assert.equal(charge.metadata.label, "test");
  assert.ok(charge.amount > 0.1 && charge.amount === Number(charge.amount.toFixed(3)));
  assert.deepEqual(
    charge.items.map(({ type }: Body) => type),
    ["gpu", "disk"],
  );
});

test("payments", async (t) => {
  const { ask } = await openBench(t);
  assert.equal((await ask("GET", "/api/v1/invoices/")).body.results[0].amount, 100);
});
