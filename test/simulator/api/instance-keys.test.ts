import assert from "node:assert/strict";
import { test } from "node:test";
import { openBench } from "../../support/simulator.ts";

test("an instance has the account's keys of its birth, and those attached since", async (t) => {
  const { ask, running } = await openBench(t);
  await ask("POST", "/api/v0/ssh/", { ssh_key: "ssh-ed25519 AAAA account" });
  const id = await running();
  await ask("POST", "/api/v0/ssh/", { ssh_key: "ssh-ed25519 LATE account" });
  const attached = await ask("POST", `/api/v0/instances/${id}/ssh/`, { ssh_key: "ssh-ed25519 BBBB mine" });
  assert.equal(attached.body.success, true);
  assert.ok(attached.body.msg);
  const { body } = await ask("GET", `/api/v0/instances/${id}/ssh/`);
  assert.equal(typeof body.ssh_keys, "string", "a string that holds JSON");
  const keys = JSON.parse(body.ssh_keys);
  assert.deepEqual(
    keys.map(({ public_key }: { public_key: string }) => public_key),
    ["ssh-ed25519 AAAA account", "ssh-ed25519 BBBB mine"],
  );
  const gone = await ask("DELETE", `/api/v0/instances/${id}/ssh/${keys[0].id}/`, {});
  assert.equal(gone.body.success, true);
  const again = await ask("DELETE", `/api/v0/instances/${id}/ssh/${keys[0].id}/`, {});
  assert.equal(again.body.error, "no_such_ssh_key");
  assert.equal((await ask("POST", "/api/v0/instances/42/ssh/", { ssh_key: "x" })).body.error, "no_such_instance");
  assert.equal((await ask("POST", `/api/v0/instances/${id}/ssh/`, {})).status, 400);
});
