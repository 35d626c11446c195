/** An offer of the market, as we read it. Prices in $/h for the whole slice. */
export interface Offer {
  readonly id: number;
  readonly machineId: number;
  readonly hostId: number | null;
  readonly gpu: string;
  readonly gpus: number;
  /** Price of the GPUs: the minimum bid in a search for interruptible offers, else the on-demand price. */
  readonly gpuPerHour: number;
  /** Smallest bid that wins now. */
  readonly minBid: number | null;
  /** GPUs and the disk asked for in the search. */
  readonly totalPerHour: number;
  /** The disk asked for in the search, $/h. */
  readonly diskPerHour: number | null;
  /** $/GB/month. */
  readonly storageCost: number | null;
  readonly diskGb: number | null;
  readonly downloadMbps: number | null;
  /** $/GB, of the dearer direction. */
  readonly trafficPerGb: number | null;
  readonly directPorts: number | null;
  readonly reliability: number | null;
  readonly verified: boolean;
  readonly rentable: boolean;
  readonly external: boolean;
  /** Seconds the machine stays on the market. */
  readonly durationSeconds: number | null;
  readonly location: string | null;
}

/** An instance (the wire calls it contract), as we read it. Strings are printable, prices in $/h. */
export interface Instance {
  readonly id: number;
  readonly label: string | null;
  readonly machineId: number | null;
  readonly hostId: number | null;
  readonly actualStatus: string | null;
  readonly intendedStatus: string | null;
  readonly curState: string | null;
  readonly nextState: string | null;
  readonly statusMsg: string;
  readonly image: string | null;
  readonly gpu: string | null;
  readonly gpus: number | null;
  readonly diskGb: number | null;
  readonly isBid: boolean | null;
  /** Smallest bid that keeps it. */
  readonly minBid: number | null;
  /** The standing bid of an interruptible instance, else the on-demand price. */
  readonly gpuPerHour: number | null;
  readonly diskPerHour: number | null;
  readonly totalPerHour: number | null;
  readonly location: string | null;
  readonly reliability: number | null;
  /** Unix seconds. */
  readonly startedAt: number | null;
  /** Unix seconds; the rental ends then. */
  readonly endsAt: number | null;
  readonly runtype: string;
  readonly publicIp: string | null;
  /** Host port behind port 22 of the container; null until published. */
  readonly directPort: number | null;
  readonly proxyHost: string | null;
  readonly proxyPort: number | null;
}

/** Who pays. */
export interface Account {
  readonly id: number | null;
  readonly email: string | null;
  /** Dollars that can be spent; null when Vast does not say. */
  readonly credit: number | null;
}
