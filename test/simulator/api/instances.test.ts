import assert from "node:assert/strict";
import { test } from "node:test";
import { openBench } from "../../support/simulator.ts";

/** Every field that the reference lists for an instance. */
const FIELDS =
  `id label actual_status intended_status cur_state next_state status_msg image_uuid image_args image_runtype
  extra_env onstart template_id template_hash_id template_name jupyter_token public_ipaddr local_ipaddrs ssh_host ssh_idx
  ssh_port machine_dir_ssh_port direct_port_count direct_port_start direct_port_end ports static_ip machine_id host_id
  bundle_id start_date end_date uptime_mins duration num_gpus gpu_name gpu_ram gpu_totalram gpu_frac gpu_util gpu_temp
  cpu_cores cpu_cores_effective cpu_ram cpu_util mem_limit mem_usage vmem_usage disk_space disk_usage disk_util inet_down
  inet_up inet_down_cost inet_up_cost inet_down_billed inet_up_billed geolocation country_code verification is_bid min_bid
  dph_base dph_total search instance storage_cost storage_total_cost credit_balance credit_discount credit_discount_max
  client_run_time host_run_time reliability2 driver_version cuda_max_good volume_info time_remaining
  time_remaining_isbid rentable external webpage`.split(/\s+/);

test("an instance has every field of the reference, in its shapes", async (t) => {
  const { running, instance } = await openBench(t);
  const env = { RUN_ID: "run42", "-p 8080:8080": "1", "-p 70001:70001": "1" };
  const id = await running({ env, onstart: "touch /root/ready" });
  const row = await instance(id);
  assert.deepEqual(
    FIELDS.filter((field) => !(field in row)),
    [],
  );
  assert.deepEqual(row.extra_env, Object.entries(env));
  assert.equal(row.status_msg, "success, running pytorch/pytorch_2.4.0/ssh\n");
  assert.equal(row.image_runtype, "ssh_direc ssh_proxy");
  assert.equal(row.disk_space, 100);
  assert.equal(row.uptime_mins, null);
  assert.equal(row.public_ipaddr.trim(), "127.0.0.1");
  assert.ok(Math.abs(row.dph_total - row.dph_base - row.storage_total_cost) < 2e-6);
  assert.equal(row.instance.totalHour, row.dph_total);
  const [v4, v6] = row.ports["22/tcp"];
  assert.equal(v4.HostIp, "0.0.0.0");
  assert.equal(v6.HostIp, "::");
  assert.equal(typeof v4.HostPort, "string");
  assert.ok(row.ports["8080/tcp"]);
  const identical = Object.entries(row.ports).filter(
    ([container, bindings]) => container === `${(bindings as { HostPort: string }[])[0]?.HostPort}/tcp`,
  );
  assert.equal(identical.length, 1, "a port from 70000 on is the same inside and outside");
});

test("some hosts' addresses end in a line feed", async (t) => {
  const { simulator, ask, clock, instance } = await openBench(t);
  const offers = [...simulator.world.market.offers()];
  for (const untidy of [true, false]) {
    const offer = offers.find((one) => one.machine.untidyAddress === untidy && one.ask.tenant === undefined);
    const { body } = await ask("PUT", `/api/v0/asks/${offer?.ask.id}/`, { image: "a/b" });
    await clock.advance(10);
    assert.equal((await instance(body.new_contract)).public_ipaddr, untidy ? "127.0.0.1\n" : "127.0.0.1");
  }
});

test("unknown, destroyed and just rented are all null, with 200", async (t) => {
  const { ask, rent, clock } = await openBench(t);
  const nothing = { instances: null };
  assert.deepEqual((await ask("GET", "/api/v0/instances/42/")).body, nothing);
  const id = await rent();
  const fresh = await ask("GET", `/api/v0/instances/${id}/?owner=me`);
  assert.equal(fresh.status, 200);
  assert.deepEqual(fresh.body, nothing);
  await clock.advance(10);
  await ask("DELETE", `/api/v0/instances/${id}/`, {});
  await clock.advance(10);
  assert.deepEqual((await ask("GET", `/api/v0/instances/${id}`)).body, nothing);
});

test("a machine with no direct way in has no port 22; jupyter's relay is one port further", async (t) => {
  const { running, instance } = await openBench(t);
  const proxy = await instance(await running({ runtype: "ssh_proxy" }));
  assert.equal(proxy.ports["22/tcp"], undefined);
  assert.ok(proxy.ssh_port > 0);
  const jupyter = await running({ runtype: "jupyter_direc ssh_direc ssh_proxy" });
  const row = await instance(jupyter);
  assert.ok(row.ssh_port > 0 && row.ports["22/tcp"]);
  const bare = await instance(await running({ runtype: "args" }));
  assert.equal(bare.ssh_host, null);
  assert.equal(bare.ports["22/tcp"], undefined);
});

test("the label changes, the state changes, and what is unknown is refused", async (t) => {
  const { ask, running, instance } = await openBench(t);
  const id = await running();
  const put = (body: object) => ask("PUT", `/api/v0/instances/${id}/`, body);
  assert.deepEqual((await put({ label: "other" })).body, { success: true });
  assert.equal((await instance(id)).label, "other");
  assert.equal((await put({ label: "x".repeat(1025) })).body.error, "label_too_long");
  assert.equal((await put({ state: "frozen" })).status, 400);
  for (const method of ["PUT", "DELETE"]) {
    const { status, body } = await ask(method, "/api/v0/instances/42/", { label: "x" });
    assert.equal(status, 404);
    assert.equal(body.error, "no_such_instance");
  }
  assert.equal((await ask("DELETE", "/api/v0/instances/abc/", {})).status, 400);
});

test("a bid: its range, its instance, and a price that wins when none is given", async (t) => {
  const { ask, running, instance } = await openBench(t);
  const id = await running();
  const put = (price: unknown, on = id) => ask("PUT", `/api/v0/instances/bid_price/${on}/`, { client_id: "me", price });
  assert.deepEqual((await put(3.25)).body, { success: true });
  assert.equal((await instance(id)).dph_base, 3.25);
  const low = await put(0);
  assert.equal(low.status, 400);
  assert.equal(low.body.msg, "Please set a bid price >= 0.001.");
  assert.equal((await put(33)).status, 400);
  assert.equal((await put(1, 42)).body.error, "no_such_instance");
  await put(null);
  const row = await instance(id);
  assert.equal(row.dph_base, row.min_bid);
});

test("several at once", async (t) => {
  const { ask, rent, running, clock, instance } = await openBench(t);
  const ids = [await rent(), await running()];
  assert.deepEqual((await ask("PUT", "/api/v0/instances/", { ids, state: "stopped" })).body, { success: true });
  await clock.advance(5);
  for (const id of ids) assert.equal((await instance(id)).actual_status, "exited");
  assert.deepEqual((await ask("DELETE", "/api/v0/instances/", { instance_ids: ids })).body, { success: true });
  await clock.advance(5);
  for (const id of ids) assert.equal(await instance(id), null);
});
