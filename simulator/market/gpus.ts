/** One GPU model of the market. The figures are roughly the real ones; nothing depends on their exact values. */
export interface GpuModel {
  /** Vast's spelling, with spaces. */
  readonly name: string;
  /** Usable MB per GPU. */
  readonly ramMb: number;
  /** $/h per GPU, on demand. */
  readonly price: number;
  /** TFLOPs per GPU. */
  readonly flops: number;
  /** GB/s. */
  readonly memoryBandwidth: number;
  readonly watts: number;
  /** Multiplied by 100: 900 is 9.0. */
  readonly computeCap: number;
  /** One entry for each machine of this model: its number of GPUs. */
  readonly machines: readonly number[];
}

type Row = [string, number, number, number, number, number, number, number[]];

const ROWS: readonly Row[] = [
  ["H100 SXM", 81559, 2.2, 53.5, 2685, 700, 900, [8, 8, 8, 8, 8, 8, 4, 4, 4, 2, 2, 2, 1, 1]],
  ["H100 PCIE", 81559, 1.95, 48.1, 1630, 350, 900, [8, 4, 2, 1]],
  ["H100 NVL", 95830, 2.05, 50.2, 3100, 400, 900, [8, 4, 2, 2]],
  ["H200", 143771, 2.9, 53.6, 3820, 700, 900, [8, 8, 4]],
  ["H200 NVL", 143771, 2.75, 50.9, 3800, 600, 900, [4, 2]],
  ["GH200 SXM", 97871, 1.6, 52.1, 3200, 900, 900, [1, 1]],
  ["B200", 183359, 4.2, 74.4, 6400, 1000, 1000, [8, 8]],
  ["A100 SXM4", 81920, 1.1, 19.5, 1555, 400, 800, [8, 8, 8, 4, 2, 1]],
  ["A100 PCIE", 40960, 0.75, 19.4, 1290, 250, 800, [8, 4, 2, 1]],
  ["L40S", 46068, 0.8, 91.6, 690, 350, 890, [8, 4, 2, 1]],
  ["L4", 23034, 0.32, 30.3, 240, 72, 890, [4, 2, 1]],
  ["A40", 46068, 0.42, 37.4, 560, 300, 860, [4, 2, 1]],
  ["A10", 23028, 0.3, 31.2, 480, 150, 860, [2, 1]],
  ["RTX A6000", 49140, 0.48, 38.7, 640, 300, 860, [8, 4, 2, 1]],
  ["RTX 6000Ada", 49140, 0.72, 91.1, 800, 300, 890, [8, 4, 1]],
  ["RTX PRO 6000 WS", 97887, 1.15, 125.0, 1500, 600, 1200, [4, 2, 1]],
  ["RTX 5090", 32607, 0.5, 104.8, 1500, 575, 1200, [8, 4, 2, 1]],
  ["RTX 4090", 24564, 0.36, 82.6, 930, 450, 890, [8, 8, 4, 4, 2, 2, 1, 1]],
  ["RTX 3090", 24576, 0.18, 35.6, 870, 350, 860, [8, 4, 4, 2, 2, 1]],
  ["MI300X", 196592, 2.4, 81.7, 4300, 750, 940, [8]],
];

export const GPU_MODELS: readonly GpuModel[] = ROWS.map(
  ([name, ramMb, price, flops, memoryBandwidth, watts, computeCap, machines]) => ({
    name,
    ramMb,
    price,
    flops,
    memoryBandwidth,
    watts,
    computeCap,
    machines,
  }),
);
