import assert from "node:assert/strict";
import { test } from "node:test";
import {
  accountFromWire,
  accountKeyFromWire,
  instanceFromWire,
  offerFromWire,
} from "../../../../components/vast/client/wire.ts";
import { instance, instanceRow, offer, offerRow } from "../../../support/rows.ts";

test("an offer keeps what the choice needs", () => {
  const read = offer();
  assert.equal(read.hostId, 93210);
  assert.equal(read.external, false);
  assert.equal(read.verified, true);
  assert.equal(read.trafficPerGb, 0.003);
});

test("an offer without an id, a machine, a GPU or a price is none", () => {
  for (const field of ["id", "machine_id", "gpu_name", "num_gpus", "dph_base", "dph_total"]) {
    assert.equal(offerFromWire(offerRow({ [field]: null })), undefined, field);
  }
});

test("anything else may be missing or of a wrong type", () => {
  const { id, machine_id, gpu_name, num_gpus, dph_base, dph_total } = offerRow();
  assert.equal(offerFromWire({ id, machine_id, gpu_name, num_gpus, dph_base, dph_total })?.reliability, null);
  assert.equal(offer({ inet_down: "fast", rentable: "yes" }).downloadMbps, null);
  assert.equal(offer({ inet_down: "fast", rentable: "yes" }).rentable, false);
});

test("an instance is read with trimmed, printable text", () => {
  const read = instance({ status_msg: "a\u001b[2Jb\nc\n", geolocation: "\u202eX, US" });
  assert.equal(read.publicIp, "203.0.113.42");
  assert.equal(read.statusMsg, "a\u001b[2Jb\nc", "its lines are read one by one");
  assert.equal(read.location, "X, US");
  assert.equal(read.directPort, 41685);
});

test("an instance that has just been made is nearly empty", () => {
  const read = instanceFromWire({ id: 7, actual_status: null, ports: null, status_msg: null });
  assert.equal(read?.actualStatus, null);
  assert.equal(read?.statusMsg, "");
  assert.equal(read?.directPort, null);
  assert.equal(instanceFromWire({ label: "x" }), undefined);
});

test("ports may be an object without ssh, an array or nonsense", () => {
  for (const ports of [{}, [], { "8080/tcp": [{ HostPort: "1" }] }, { "22/tcp": null }, { "22/tcp": [] }, "x"]) {
    assert.equal(instance({ ports }).directPort, null, JSON.stringify(ports));
  }
});

test("secrets of an instance are not kept", () => {
  const kept = JSON.stringify(
    instanceFromWire({ ...instanceRow(), instance_api_key: "secret", extra_env: [["A", "secret"]] }),
  );
  assert.ok(!kept.includes("secret"));
});

test("an account is id, mail and credit, never its key", () => {
  const read = accountFromWire({ id: 5, email: "a@b.c", credit: 12.5, balance: -3, api_key: "secret" });
  assert.deepEqual(read, { id: "5", email: "a@b.c", credit: 12.5 });
  assert.equal(accountFromWire({ id: "5" })?.id, "5", "the same account, should Vast write it as text one day");
  for (const id of [0, -1, 1.5, "", "me", null, {}]) assert.equal(accountFromWire({ id })?.id, null);
  assert.equal(accountFromWire([]), undefined);
});

test("an account's key has three names on the wire", () => {
  for (const name of ["public_key", "key", "ssh_key"]) {
    assert.equal(accountKeyFromWire({ id: 1, [name]: "ssh-ed25519 AAAA me" })?.publicKey, "ssh-ed25519 AAAA me");
  }
});
