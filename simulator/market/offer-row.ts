import { rounded } from "../base/random.ts";
import { diskPrice, type Machine, type Offer } from "./machine.ts";

/** Which price a row shows: of an on-demand rental, or of the lowest winning bid. The ask is the same. */
export type Face = "on-demand" | "bid";

export type Row = Readonly<Record<string, unknown>>;

/** What only the world knows of an offer at this moment. */
export interface OfferState {
  readonly rentable: boolean;
  /** $/h: the lowest bid that the market says gets the slice. */
  readonly minBid: number;
  /** $/h on demand. */
  readonly onDemand: number;
}

/** An offer as the search answers it, every field of it. */
export function offerRow(offer: Offer, face: Face, storageGb: number, state: OfferState, now: number): Row {
  const { ask, machine } = offer;
  const gpuPerHour = rounded(face === "bid" ? state.minBid : state.onDemand, 6);
  const diskPerHour = rounded(diskPrice(machine, storageGb), 6);
  return {
    ...identityFields(offer),
    ...gpuFields(offer),
    ...hostFields(offer),
    ...netFields(machine),
    ...trustFields(machine),
    start_date: machine.startAt / 1000,
    end_date: machine.endAt / 1000,
    duration: rounded((machine.endAt - now) / 1000, 1),
    time_remaining: "",
    time_remaining_isbid: "",
    is_bid: face === "bid",
    rentable: state.rentable,
    rented: !state.rentable,
    min_bid: rounded(state.minBid, 6),
    ...priceFields(gpuPerHour, diskPerHour, machine),
    ...slaFields(machine),
    ...scoreFields(offer, gpuPerHour + diskPerHour, ask.gpus),
    geolocation: machine.place,
    geolocode: machine.hostId % 32_768,
    search: costs(gpuPerHour, diskPerHour),
    instance: costs(0, diskPerHour),
  };
}

export function costs(gpuPerHour: number, diskPerHour: number) {
  const total = rounded(gpuPerHour + diskPerHour, 6);
  return {
    gpuCostPerHour: gpuPerHour,
    diskHour: diskPerHour,
    totalHour: total,
    discountTotalHour: 0,
    discountedTotalPerHour: total,
  };
}

function identityFields({ ask, machine }: Offer): Row {
  return {
    id: ask.id,
    ask_contract_id: ask.id,
    bundle_id: ask.bundleId,
    bundled_results: null,
    machine_id: machine.id,
    host_id: machine.hostId,
    hostname: null,
    cluster_id: null,
    rn: 1,
    resource_type: "gpu",
    external: null,
    logo: "/static/logos/vastai_small2.png",
    webpage: null,
  };
}

/** Shared with the rows of instances. */
export function gpuFields({ ask, machine }: Offer): Row {
  const { gpu } = machine;
  return {
    gpu_name: gpu.name,
    num_gpus: ask.gpus,
    gpu_frac: ask.gpus / machine.gpus,
    gpu_ids: Array.from({ length: ask.gpus }, (_, index) => machine.id * 16 + ask.firstGpu + index),
    gpu_ram: gpu.ramMb,
    gpu_total_ram: gpu.ramMb * ask.gpus,
    gpu_arch: gpu.name.startsWith("MI") ? "amd" : "nvidia",
    compute_cap: gpu.computeCap,
    cuda_max_good: machine.cuda,
    driver_version: machine.driver,
    driver_vers: Number(
      machine.driver
        .split(".")
        .map((part) => part.padStart(3, "0"))
        .join(""),
    ),
    gpu_mem_bw: gpu.memoryBandwidth,
    bw_nvlink: /SXM|B200|NVL/.test(gpu.name) ? 449.3 : 0,
    pcie_bw: 26.4,
    pci_gen: gpu.computeCap >= 900 ? 5 : 4,
    gpu_lanes: 16,
    gpu_max_power: gpu.watts,
    gpu_max_temp: 87,
    gpu_display_active: false,
    total_flops: gpu.flops * ask.gpus,
  };
}

/** Shared with the rows of instances. */
export function hostFields({ ask, machine }: Offer): Row {
  return {
    cpu_name: machine.cpuName,
    cpu_arch: machine.gpu.name.startsWith("GH200") ? "arm64" : "amd64",
    cpu_cores: machine.cores,
    cpu_cores_effective: (machine.cores * ask.gpus) / machine.gpus,
    cpu_ghz: 3.4,
    cpu_ram: machine.ramMb,
    has_avx: 1,
    mobo_name: "G593-SD0",
    os_version: "22.04",
    disk_space: machine.diskGb,
    disk_bw: 3200,
    disk_name: "SAMSUNG MZQL23T8",
    avail_vol_ask_id: null,
    avail_vol_dph: null,
    avail_vol_size: null,
    nw_disk_min_bw: null,
    nw_disk_max_bw: null,
    nw_disk_avg_bw: null,
  };
}

/** Shared with the rows of instances. Mbps and $/GB. */
export function netFields(machine: Machine): Row {
  return {
    inet_down: machine.down,
    inet_up: machine.up,
    inet_down_cost: machine.trafficCost,
    inet_up_cost: machine.trafficCost,
    internet_down_cost_per_tb: machine.trafficCost * 1000,
    internet_up_cost_per_tb: machine.trafficCost * 1000,
    direct_port_count: machine.directPorts,
    static_ip: machine.staticIp,
    public_ipaddr: publicAddress(machine),
  };
}

/** 127.0.0.1 for every machine, wherever it claims to be; for some hosts with a line feed. */
export function publicAddress(machine: Machine): string {
  return machine.untidyAddress ? "127.0.0.1\n" : "127.0.0.1";
}

/** Shared with the rows of instances. */
export function trustFields(machine: Machine): Row {
  return {
    reliability: machine.reliability,
    reliability2: machine.reliability,
    reliability_mult: rounded(machine.reliability * 0.98, 4),
    expected_reliability: rounded(machine.reliability * 0.99, 4),
    verification: machine.verification,
    vericode: machine.verification === "verified" ? 1 : 0,
    hosting_type: machine.datacenter ? 1 : 0,
    vms_enabled: machine.vms,
    is_vm_deverified: false,
  };
}

function priceFields(gpuPerHour: number, diskPerHour: number, machine: Machine): Row {
  const total = rounded(gpuPerHour + diskPerHour, 6);
  return {
    dph_base: gpuPerHour,
    dph_total: total,
    dph_total_adj: total,
    storage_cost: machine.storageCost,
    storage_total_cost: diskPerHour,
    discount_rate: 0,
    discounted_hourly: 0,
    discounted_dph_total: total,
    credit_discount_max: 0.4,
  };
}

/** What a host promises, new in 2026. Three of four offers were seen with it, none with a broker's rate. */
function slaFields(machine: Machine): Row {
  const promises = machine.id % 4 !== 0;
  return {
    sla_broker_rate: null,
    sla_r_claim: promises ? rounded(machine.reliability * 0.98, 4) : null,
    sla_sigma_x: promises ? rounded(1 - machine.reliability, 4) : null,
    target_reliability: promises ? rounded(machine.reliability * 0.99, 4) : null,
  };
}

function scoreFields({ machine }: Offer, totalPerHour: number, gpus: number): Row {
  const dlperf = rounded(machine.gpu.flops * gpus * 1.6, 2);
  return {
    dlperf,
    vram_costperhour: totalPerHour / (machine.gpu.ramMb * gpus),
    dlperf_per_dphtotal: rounded(dlperf / totalPerHour, 3),
    flops_per_dphtotal: rounded((machine.gpu.flops * gpus) / totalPerHour, 3),
    score: rounded((dlperf / totalPerHour) * machine.reliability, 3),
  };
}
