import assert from "node:assert/strict";
import { test } from "node:test";
import { type Body, findOffer, openBench } from "../../support/simulator.ts";

/** Every field that the reference lists for an offer. */
const FIELDS =
  `id ask_contract_id bundle_id bundled_results machine_id host_id hostname cluster_id rn resource_type webpage
  logo external gpu_name num_gpus gpu_frac gpu_ids gpu_ram gpu_total_ram gpu_arch compute_cap cuda_max_good driver_version
  driver_vers gpu_mem_bw bw_nvlink pcie_bw pci_gen gpu_lanes gpu_max_power gpu_max_temp gpu_display_active total_flops
  dlperf cpu_name cpu_arch cpu_cores cpu_cores_effective cpu_ghz cpu_ram has_avx mobo_name os_version disk_space disk_bw
  disk_name avail_vol_ask_id avail_vol_dph avail_vol_size nw_disk_min_bw nw_disk_max_bw nw_disk_avg_bw inet_down inet_up
  inet_down_cost inet_up_cost internet_up_cost_per_tb internet_down_cost_per_tb direct_port_count static_ip public_ipaddr
  reliability reliability2 expected_reliability reliability_mult verification vericode hosting_type vms_enabled
  is_vm_deverified start_date end_date duration time_remaining time_remaining_isbid dph_base dph_total min_bid is_bid
  storage_cost storage_total_cost vram_costperhour dlperf_per_dphtotal flops_per_dphtotal dph_total_adj discount_rate
  discounted_hourly discounted_dph_total credit_discount_max search instance rentable rented score geolocation
  geolocode`.split(/\s+/);

const search = (ask: Body, query: object) =>
  ask("POST", "/api/v0/bundles/", query).then(({ body }: Body) => body.offers);

test("a row has every field of the reference, and the prices add up", async (t) => {
  const { ask } = await openBench(t);
  const offer = await findOffer({ ask }, { type: "on-demand", allocated_storage: 200 });
  assert.deepEqual(
    FIELDS.filter((field) => !(field in offer)),
    [],
  );
  assert.equal(offer.ask_contract_id, offer.id);
  assert.equal(offer.is_bid, false);
  const disk = (200 * offer.storage_cost) / 720;
  assert.ok(Math.abs(offer.storage_total_cost - disk) < 1e-6);
  assert.ok(Math.abs(offer.dph_total - offer.dph_base - disk) < 2e-6);
  assert.equal(offer.search.totalHour, offer.dph_total);
  assert.equal(offer.search.diskHour, offer.storage_total_cost);
  assert.equal(offer.gpu_total_ram, offer.gpu_ram * offer.num_gpus);
  assert.equal(offer.reliability, offer.reliability2);
  assert.match(offer.geolocation, /^\w+, [A-Z]{2}$/);
});

test("the bid search shows the same asks at their minimum bid", async (t) => {
  const { ask } = await openBench(t);
  const query = { gpu_name: { eq: "H100 SXM" }, num_gpus: { eq: 1 }, order: [["id", "asc"]] };
  const onDemand = await search(ask, { ...query, type: "on-demand" });
  const bids = await search(ask, { ...query, type: "bid" });
  assert.deepEqual(
    onDemand.map(({ id }: Body) => id),
    bids.map(({ id }: Body) => id),
  );
  for (const [index, bid] of bids.entries()) {
    assert.equal(bid.is_bid, true);
    assert.equal(bid.dph_base, bid.min_bid);
    assert.equal(bid.min_bid, onDemand[index].min_bid);
    assert.ok(bid.dph_total < onDemand[index].dph_total);
  }
});

test("no more than 64 rows, whatever the limit; by score unless told", async (t) => {
  const { ask, simulator } = await openBench(t);
  assert.ok([...simulator.world.market.offers()].length > 64);
  const all = await search(ask, { limit: 3000 });
  assert.equal(all.length, 64);
  assert.deepEqual(
    all.map(({ score }: Body) => score),
    all.map(({ score }: Body) => score).toSorted((one: number, other: number) => other - one),
  );
  assert.equal((await search(ask, { limit: 3 })).length, 3);
});

test("all offers can be paged by price", async (t) => {
  const { ask, simulator } = await openBench(t);
  const seen = new Set<number>();
  for (let last = 0, before = -1; seen.size > before; ) {
    before = seen.size;
    const page = await search(ask, { order: [["dph_total", "asc"]], dph_total: { gte: last }, allocated_storage: 0 });
    for (const { id, dph_total } of page) {
      seen.add(id);
      last = dph_total;
    }
  }
  assert.equal(seen.size, [...simulator.world.market.offers()].length);
});

test("traps of the real search: id matches nothing, ask_contract_id does; underscores match nothing", async (t) => {
  const { ask } = await openBench(t);
  const { id, machine_id } = await findOffer({ ask });
  assert.deepEqual(await search(ask, { id: { eq: id } }), []);
  assert.deepEqual(
    (await search(ask, { ask_contract_id: { eq: id } })).map((row: Body) => row.id),
    [id],
  );
  assert.ok((await search(ask, { machine_id: { eq: machine_id } })).length > 1, "several offers on one machine");
  assert.deepEqual(await search(ask, { gpu_name: { eq: "H100_SXM" } }), []);
});

test("columns that only filters have: geolocation, datacenter, verified, reliability2, driver_version, storage", async (t) => {
  const { ask } = await openBench(t);
  const every = async (filters: object, holds: (row: Body) => boolean) => {
    const rows = await search(ask, { ...filters, limit: 64 });
    assert.ok(rows.length > 0 && rows.every(holds), JSON.stringify(filters));
  };
  await every({ geolocation: { in: ["US", "CA"] } }, (row) => /(US|CA)$/.test(row.geolocation));
  await every({ datacenter: { eq: true } }, (row) => row.hosting_type === 1);
  await every({ verified: { eq: true } }, (row) => row.verification === "verified");
  await every({ verified: { eq: false } }, (row) => row.verification !== "verified");
  await every({ reliability2: { gte: 0.99 } }, (row) => row.reliability >= 0.99);
  await every({ driver_version: { gte: 560_000_000 } }, (row) => row.driver_vers >= 560_000_000);
  await every({ duration: { gte: 86_400 * 30 } }, (row) => row.duration >= 86_400 * 30);
  await every({ allocated_storage: 3000 }, (row) => row.disk_space >= 3000);
  await every({ vms_enabled: { eq: true } }, (row) => row.vms_enabled === true);
});

test("a search needs no key, and can be a GET or the newer PUT", async (t) => {
  const { ask } = await openBench(t);
  const query = { gpu_name: { eq: "L4" }, order: [["id", "asc"]] };
  const posted = await ask("POST", "/api/v0/bundles", query, null);
  const got = await ask("GET", `/api/v0/bundles/?q=${encodeURIComponent(JSON.stringify(query))}`, undefined, null);
  const put = await ask("PUT", "/api/v0/search/asks/", { select_cols: ["*"], q: query }, null);
  assert.ok(posted.body.offers.length > 0);
  assert.deepEqual(got.body, posted.body);
  assert.deepEqual(put.body, posted.body);
  assert.equal(posted.type, "application/json");
});

test("errors of the search", async (t) => {
  const { ask } = await openBench(t);
  const unknown = await ask("POST", "/api/v0/bundles/", { gpuname: { eq: "L4" } });
  assert.equal(unknown.status, 400);
  assert.equal(unknown.body.error, "invalid_request");
  assert.match(unknown.body.msg, /gpuname is not a valid search key/);
  assert.equal((await ask("POST", "/api/v0/bundles/", "{nonsense")).status, 400);
  const bare = await ask("POST", "/api/v0/bundles/", { gpu_name: "L4", num_gpus: 1, rentable: { eq: true } });
  assert.deepEqual([bare.status, bare.body.error], [400, "bad_request"]);
  assert.equal(
    bare.body.msg,
    "q.gpu_name: Input should be a valid dictionary; q.num_gpus: Input should be a valid dictionary",
  );
  for (const key of ["wrong", "0".repeat(64)]) {
    const { status, body } = await ask("POST", "/api/v0/bundles/", {}, key);
    assert.deepEqual([status, body.error, body.msg], [404, "invalid_request", "Invalid user key"]);
  }
});

test("what Vast's own programs send beside filters: type ask, sort_option, bare values", async (t) => {
  const { ask } = await openBench(t);
  const gpu_name = { eq: "RTX 4090" };
  const usual = await search(ask, { gpu_name, type: "on-demand", order: [["dph_total", "asc"]] });
  assert.ok(usual.length > 1);
  for (const sort_option of [{ 0: ["dph_total", "asc"], 1: ["id", "asc"] }, [["dph_total", "asc"]]]) {
    const others = { resource_type: "gpu", external: false, disable_bundling: true, gpu_option: null, extra_ids: [1] };
    assert.deepEqual(await search(ask, { gpu_name, type: "ask", sort_option, ...others }), usual);
  }
  assert.deepEqual(await search(ask, { resource_type: "cpu" }), []);
  const promised = await search(ask, { target_reliability: 0.97, limit: 64 });
  assert.ok(promised.length > 0 && promised.every((row: Body) => row.expected_reliability >= 0.97));
});

test("what a host promises is in every row, and can be asked for", async (t) => {
  const { ask } = await openBench(t);
  const keys = ["sla_broker_rate", "sla_r_claim", "sla_sigma_x", "target_reliability"];
  const of = (row: Body) => keys.map((key) => row[key] === null);
  const having = await search(ask, { has_sla: { eq: true }, limit: 64 });
  assert.ok(having.length > 0);
  for (const row of having) assert.deepEqual(of(row), [true, false, false, false]);
  const lacking = await search(ask, { has_sla: false, limit: 64 });
  assert.ok(lacking.length > 0);
  for (const row of lacking) assert.deepEqual(of(row), [true, true, true, true]);
});

test("the names and types of all GPUs", async (t) => {
  const { ask } = await openBench(t);
  const { gpu_names } = (await ask("GET", "/api/v0/gpu_names/unique/", undefined, null)).body;
  assert.ok(gpu_names.includes("H100 SXM") && gpu_names.includes("RTX PRO 6000 WS"));
  const { gpu_types } = (await ask("GET", "/api/v0/gpu_types/", undefined, null)).body;
  assert.equal(gpu_types.length, gpu_names.length);
});

test("prices move, everywhere or on one machine", async (t) => {
  const { ask } = await openBench(t);
  const before = await findOffer({ ask });
  await ask("POST", "/_sim/market", { factor: 2, machineId: before.machine_id }, null);
  const [after] = await search(ask, { ask_contract_id: { eq: before.id }, type: "bid" });
  assert.ok(Math.abs(after.min_bid - 2 * before.min_bid) < 2e-4);
  const { body } = await ask("POST", "/_sim/market", { factor: 1.1 }, null);
  assert.ok(body.machines > 50);
  assert.equal((await ask("POST", "/_sim/market", { factor: 0 }, null)).status, 400);
});
