import { between, integerBetween, pick, type Random, rounded, seeded } from "../base/random.ts";
import { GPU_MODELS, type GpuModel } from "./gpus.ts";
import type { Ask, Machine } from "./machine.ts";

const DAY_MS = 86_400_000;

const PLACES = ["Texas, US", "California, US", "Quebec, CA", "Sweden, SE", "Czechia, CZ", "Germany, DE"];
const MORE_PLACES = ["Norway, NO", "Japan, JP", "Taiwan, TW", "India, IN", "Iceland, IS", "Spain, ES", "Poland, PL"];
const PROCESSORS = ["Xeon Platinum 8480C", "Xeon Gold 6448Y", "EPYC 9554", "EPYC 7763", "EPYC 9354"];
const DRIVERS: readonly [string, number][] = [
  ["570.86.15", 12.8],
  ["575.57.08", 12.9],
  ["560.35.03", 12.6],
  ["550.54.15", 12.4],
];

/** Every seed has a virtual machine to rent, of a cheap model and with one GPU. */
const VM_MODEL = "A10";

/**
 * The machines of a market: the same seed gives the same market at the same moment.
 *
 * @param times how many times as many machines as usual
 */
export function generateMarket(seed: number, now: number, times = 1): Machine[] {
  const random = seeded(seed);
  const nextId = { machine: 40_000, ask: 28_000_000 };
  const models = Array<typeof GPU_MODELS>(times).fill(GPU_MODELS).flat();
  return models.flatMap((gpu) => gpu.machines.map((gpus, index) => machine(random, nextId, gpu, gpus, index, now)));
}

function machine(
  random: Random,
  nextId: { machine: number; ask: number },
  gpu: GpuModel,
  gpus: number,
  index: number,
  now: number,
): Machine {
  nextId.machine += integerBetween(random, 1, 40);
  const [driver, cuda] = pick(random, DRIVERS);
  const price = gpu.price * between(random, 0.85, 1.35);
  const floor = price * between(random, 0.4, 0.65);
  // The first machine of a model is sound, so that every seed has something to rent.
  const sound = index === 0;
  return {
    id: nextId.machine,
    hostId: integerBetween(random, 20_000, 99_999),
    gpu,
    gpus,
    place: pick(random, random() < 0.7 ? PLACES : MORE_PLACES),
    ...trust(random, sound),
    ...(sound && gpu.name === VM_MODEL ? { vms: true, datacenter: true } : {}),
    ...capacity(random, sound),
    cuda,
    driver,
    cpuName: pick(random, PROCESSORS),
    cores: gpus * pick(random, [16, 24, 28]),
    ramMb: gpus * pick(random, [64_000, 128_000, 256_000]),
    startAt: now - integerBetween(random, 20, 400) * DAY_MS,
    endAt: now + Math.round((sound ? between(random, 30, 90) : between(random, 0.3, 90)) * DAY_MS),
    priceFactor: 1,
    asks: slices(gpus).map((slice) => ask(random, nextId, slice, price, floor, sound)),
  };
}

function trust(random: Random, sound: boolean) {
  const verification: Machine["verification"] =
    sound || random() < 0.8 ? "verified" : pick(random, ["unverified", "deverified"]);
  const range: [number, number] = sound || random() < 0.8 ? [0.982, 0.9995] : [0.6, 0.96];
  return {
    verification,
    reliability: rounded(between(random, ...range), 4),
    datacenter: random() < 0.5,
    vms: random() < 0.2,
  };
}

function capacity(random: Random, sound: boolean) {
  const trafficCost = pick(random, [0, 0.002, 0.005, 0.01, 0.03]);
  return {
    diskGb: rounded(between(random, sound ? 1500 : 120, 6500), 1),
    storageCost: pick(random, [0.1, 0.15, 0.2, 0.3]),
    down: rounded(sound ? between(random, 1500, 9000) : between(random, 60, 9000), 1),
    up: rounded(between(random, 40, 8000), 1),
    trafficCost,
    directPorts: sound || random() < 0.9 ? integerBetween(random, 20, 249) : 0,
    staticIp: random() < 0.6,
    untidyAddress: random() < 0.5,
  };
}

/** The whole machine, and smaller slices side by side: 8 GPUs, then 4, 2, 1 and 1. */
function slices(gpus: number): { firstGpu: number; gpus: number }[] {
  const all = [{ firstGpu: 0, gpus }];
  if (gpus === 1) return all;
  let first = 0;
  for (let size = gpus / 2; size >= 1; size /= 2) {
    all.push({ firstGpu: first, gpus: size });
    first += size;
  }
  return [...all, { firstGpu: first, gpus: 1 }];
}

function ask(
  random: Random,
  nextId: { ask: number },
  slice: { firstGpu: number; gpus: number },
  price: number,
  floor: number,
  sound: boolean,
): Ask {
  nextId.ask += integerBetween(random, 1, 900);
  return {
    id: nextId.ask,
    bundleId: 1_100_000_000 + integerBetween(random, 0, 9_999_999),
    ...slice,
    basePrice: rounded(price * slice.gpus, 4),
    baseFloor: rounded(floor * slice.gpus, 4),
    tenant: !sound && random() < 0.08 ? { kind: "on-demand" } : undefined,
  };
}
