import { type Instance, instanceFromWire, type Offer, offerFromWire } from "../../components/vast/client/wire.ts";
import type { OfferCriteria } from "../../components/vast/market/criteria.ts";
import type { Quote } from "../../components/vast/market/quote.ts";

/** What those rows fit. */
export const criteria: OfferCriteria = {
  gpu: "h100_sxm",
  gpus: 1,
  rental: "interruptible",
  maxPricePerHour: 3.5,
  bidMarkup: 0.2,
  diskGb: 100,
  minReliability: 0.95,
  minDownloadMbps: 200,
  minDurationHours: 24,
  verified: true,
  maxOffers: 5,
};

/** What one of them promises. */
export const quote: Quote = {
  gpu: "H100 SXM",
  gpus: 1,
  offerId: 28705911,
  machineId: 41907,
  location: "Texas, US",
  reliability: 0.9972,
  rental: "interruptible",
  bidPerHour: 1.8,
  onDemandPerHour: 2.5,
  diskPerHour: 0.0417,
  totalPerHour: 1.8417,
  trafficPerGb: 0.003,
  pullMinutes: null,
};

/** A row of the market as Vast sends it: one H100 SXM that fits everything. */
export function offerRow(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    id: 28705911,
    ask_contract_id: 28705911,
    machine_id: 41907,
    host_id: 93210,
    gpu_name: "H100 SXM",
    num_gpus: 1,
    dph_base: 1.5,
    dph_total: 1.5278,
    min_bid: 1.5,
    storage_cost: 0.2,
    storage_total_cost: 0.0278,
    disk_space: 6120.4,
    inet_down: 8123.4,
    inet_down_cost: 0.002,
    inet_up_cost: 0.003,
    direct_port_count: 249,
    reliability2: 0.9972,
    verification: "verified",
    rentable: true,
    external: null,
    duration: 6712345.6,
    geolocation: "Texas, US",
    cluster_id: null,
    ...changes,
  };
}

export function offer(changes: Record<string, unknown> = {}): Offer {
  const read = offerFromWire(offerRow(changes));
  if (read === undefined) throw new Error("the row is no offer");
  return read;
}

/** A running interruptible instance as Vast sends it. */
export function instanceRow(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    id: 31415926,
    label: "vt-abc-run",
    machine_id: 41907,
    host_id: 93210,
    actual_status: "running",
    intended_status: "running",
    cur_state: "running",
    next_state: "running",
    status_msg: "success, running pytorch/pytorch/ssh\n",
    image_uuid: "pytorch/pytorch",
    image_runtype: "ssh_direc ssh_proxy",
    public_ipaddr: "203.0.113.42\n",
    ssh_host: "ssh5.vast.ai",
    ssh_port: 15926,
    ports: { "22/tcp": [{ HostIp: "0.0.0.0", HostPort: "41685" }] },
    num_gpus: 1,
    gpu_name: "H100 SXM",
    disk_space: 150,
    is_bid: true,
    min_bid: 1.5,
    dph_base: 1.8,
    dph_total: 1.8417,
    storage_total_cost: 0.0417,
    geolocation: "Texas, US",
    start_date: 1787000000.12,
    end_date: 1793800000,
    uptime_mins: null,
    jupyter_token: "secret",
    ...changes,
  };
}

export function instance(changes: Record<string, unknown> = {}): Instance {
  const read = instanceFromWire(instanceRow(changes));
  if (read === undefined) throw new Error("the row is no instance");
  return read;
}
