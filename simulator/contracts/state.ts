/** Where a contract is in its life. */
export type State =
  | "provisioning"
  | "created"
  | "loading"
  | "running"
  | "rebooting"
  | "stopping"
  | "stopped"
  | "queued"
  | "crashed"
  | "image_error"
  | "unknown"
  | "offline"
  | "expired"
  | "destroying"
  | "gone";

/** The four words in which Vast reports a state. */
export interface StatusWords {
  readonly actual_status: string | null;
  readonly intended_status: string;
  readonly cur_state: string;
  readonly next_state: string;
}

interface StateFacts {
  readonly words: StatusWords;
  /** The GPUs are billed. */
  readonly gpuBilled: boolean;
  /** The disk is billed. */
  readonly diskBilled: boolean;
  /** The GPUs are taken: nobody else can have them. */
  readonly holdsGpus: boolean;
}

const UP = { intended_status: "running", cur_state: "running", next_state: "running" };
const DOWN: StatusWords = {
  actual_status: "exited",
  intended_status: "stopped",
  cur_state: "stopped",
  next_state: "stopped",
};

/** `stopping`, `rebooting`, `queued`, `crashed` and `destroying` are assumptions: the sources show them in part. */
const STATES: Readonly<Record<State, StateFacts>> = {
  provisioning: booting(null),
  created: booting("created"),
  loading: booting("loading"),
  image_error: booting("loading"),
  running: working("running"),
  rebooting: working("rebooting"),
  unknown: working("unknown"),
  stopping: {
    words: { actual_status: "running", intended_status: "stopped", cur_state: "running", next_state: "stopped" },
    gpuBilled: true,
    diskBilled: true,
    holdsGpus: true,
  },
  stopped: { words: DOWN, gpuBilled: false, diskBilled: true, holdsGpus: false },
  expired: { words: DOWN, gpuBilled: false, diskBilled: true, holdsGpus: false },
  queued: {
    words: { actual_status: "exited", intended_status: "running", cur_state: "stopped", next_state: "running" },
    gpuBilled: false,
    diskBilled: true,
    holdsGpus: false,
  },
  crashed: { words: { actual_status: "exited", ...UP }, gpuBilled: false, diskBilled: true, holdsGpus: true },
  offline: { words: { actual_status: "offline", ...UP }, gpuBilled: false, diskBilled: false, holdsGpus: true },
  destroying: {
    words: { actual_status: "exited", intended_status: "stopped", cur_state: "unloaded", next_state: "unloaded" },
    gpuBilled: false,
    diskBilled: false,
    holdsGpus: false,
  },
  gone: { words: DOWN, gpuBilled: false, diskBilled: false, holdsGpus: false },
};

function booting(status: string | null): StateFacts {
  return { words: { actual_status: status, ...UP }, gpuBilled: false, diskBilled: true, holdsGpus: true };
}

function working(status: string): StateFacts {
  return { words: { actual_status: status, ...UP }, gpuBilled: true, diskBilled: true, holdsGpus: true };
}

export function factsOf(state: State): StateFacts {
  return STATES[state];
}
