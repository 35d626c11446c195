import { rounded } from "../base/random.ts";
import { type Contract, ratesWhenRunning, trafficOf, waysIn } from "../contracts/contract.ts";
import { listedMinBid } from "../contracts/occupancy.ts";
import { factsOf } from "../contracts/state.ts";
import { costs, gpuFields, hostFields, netFields, publicAddress, type Row, trustFields } from "../market/offer-row.ts";
import type { World } from "../world/world.ts";

/** An instance as GET and the list answer it. Numbers that nobody knows are null. */
export function instanceRow(world: World, contract: Contract): Row {
  const { offer, order } = contract;
  const { machine, ask } = offer;
  const up = contract.state === "running";
  return {
    ...gpuFields(offer),
    ...hostFields(offer),
    ...netFields(machine),
    ...trustFields(machine),
    ...factsOf(contract.state).words,
    ...priceFields(world, contract),
    ...timeFields(world, contract),
    ...addressFields(contract),
    id: contract.id,
    label: contract.label,
    machine_id: machine.id,
    host_id: machine.hostId,
    bundle_id: ask.bundleId,
    status_msg: contract.statusMsg,
    image_uuid: order.image,
    image_args: order.args,
    image_runtype: order.runtype,
    extra_env: Object.entries(order.env),
    onstart: order.onstart,
    image_login: order.imageLogin ?? null,
    template_id: null,
    template_hash_id: null,
    template_name: null,
    jupyter_token: contract.apiKey.slice(0, 48),
    gpu_totalram: machine.gpu.ramMb * ask.gpus,
    gpu_util: up ? 0 : null,
    gpu_temp: up ? 38 : null,
    cpu_util: up ? 0.1 : null,
    mem_limit: rounded((machine.ramMb * ask.gpus) / machine.gpus / 1000, 1),
    mem_usage: up ? 0.4 : null,
    vmem_usage: up ? 0 : null,
    disk_space: order.diskGb,
    disk_usage: up ? 1.2 : -1,
    disk_util: up ? rounded(1.2 / order.diskGb, 4) : -1,
    geolocation: machine.place,
    country_code: machine.place.slice(-2),
    volume_info: [],
    rentable: false,
    external: null,
    webpage: null,
    ...contract.plan.shown,
  };
}

function priceFields(world: World, contract: Contract): Row {
  const { gpu, disk } = ratesWhenRunning(contract);
  const billed = factsOf(contract.state).gpuBilled ? gpu : 0;
  return {
    is_bid: contract.bid !== null,
    min_bid: rounded(listedMinBid(world.contracts, contract.offer, world.clock.now()), 6),
    dph_base: rounded(gpu, 6),
    dph_total: rounded(gpu + disk, 6),
    storage_cost: contract.offer.machine.storageCost,
    storage_total_cost: rounded(disk, 6),
    search: costs(rounded(gpu, 6), rounded(disk, 6)),
    instance: costs(rounded(billed, 6), rounded(disk, 6)),
    credit_balance: null,
    credit_discount: null,
    credit_discount_max: 0.4,
    inet_down_billed: rounded(trafficOf(contract).downGb, 6),
    inet_up_billed: rounded(trafficOf(contract).upGb, 6),
  };
}

function timeFields(world: World, contract: Contract): Row {
  return {
    start_date: contract.createdAt / 1000,
    end_date: contract.endAt / 1000,
    duration: rounded((world.clock.now() - contract.createdAt) / 1000, 1),
    uptime_mins: null,
    client_run_time: 1.1,
    host_run_time: 2_592_000,
    time_remaining: "",
    time_remaining_isbid: "",
  };
}

/** The relay's address is on this machine too. Clients add one to the port of a jupyter machine's relay. */
function addressFields(contract: Contract): Row {
  const { endpoints, offer, order } = contract;
  const { direct, proxy } = waysIn(order);
  const shift = order.runtype.includes("jupyter") ? 1 : 0;
  const published = contract.portsPublished && endpoints !== undefined;
  return {
    public_ipaddr: publicAddress(offer.machine),
    local_ipaddrs: "10.0.0.5 172.17.0.1 \n",
    ssh_host: proxy ? "127.0.0.1" : null,
    ssh_idx: proxy ? "5" : null,
    ssh_port: proxy && endpoints !== undefined ? endpoints.proxy - shift : null,
    machine_dir_ssh_port: endpoints?.direct ?? null,
    direct_port_start: -1,
    direct_port_end: -1,
    ports: published ? portMap(contract, direct ? endpoints.direct : undefined) : null,
  };
}

/** In docker's form. Ports other than ssh are listed, but nothing answers on them. */
function portMap({ id, order }: Contract, ssh: number | undefined): Row {
  const asked = Object.keys(order.env).flatMap((name) => {
    const [, container, protocol] = /^-p \d+:(\d+)(?:\/(tcp|udp))?$/.exec(name) ?? [];
    return container === undefined ? [] : [{ container: Number(container), protocol: protocol ?? "tcp" }];
  });
  const others = asked.map(({ container, protocol }, index) => {
    // From 70000 on, the port is the same inside and outside, and differs from the one asked for.
    const outside = 40_000 + ((id * 64 + index) % 20_000);
    return [`${container >= 70_000 ? outside : container}/${protocol}`, binding(outside)];
  });
  return Object.fromEntries([...(ssh === undefined ? [] : [["22/tcp", binding(ssh)]]), ...others]);
}

function binding(port: number) {
  return ["0.0.0.0", "::"].map((address) => ({ HostIp: address, HostPort: String(port) }));
}
