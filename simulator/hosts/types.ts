/** What the simulator knows of a machine when it makes one. Sizes in MB and GB as Vast gives them. */
export interface HostSpec {
  id: number;
  image: string;
  /** `-u USER -p PASSWORD REGISTRY`; null = none. */
  imageLogin: string | null;
  gpuName: string;
  gpus: number;
  gpuRamMb: number;
  diskGb: number;
  /** A virtual machine, in which Docker runs. */
  vm: boolean;
  env: Record<string, string>;
  onstart: string;
  runtype: string;
  authorizedKeys: string[];
  instanceApiKey: string;
  apiUrl: string;
  label: string | null;
  publicIp: string;
}

/** open = works; closed = nothing listens (refused); blackhole = never answers (times out); drop = accepts, closes at once. */
export type Link = "open" | "closed" | "blackhole" | "drop";

/** Bytes into the machine and out of it. */
export interface Traffic {
  readonly down: number;
  readonly up: number;
}

/** A machine behind the API. */
export interface Host {
  /** On 127.0.0.1. Each port forwards to the sshd and can be made to fail alone. Both begin closed. */
  readonly directPort: number;
  readonly proxyPort: number;
  /** Starts the container: PID 1 with its environment, onstart in the background. sshd can be started later. */
  start(): Promise<void>;
  /** sshd begins to accept. */
  openSshd(): Promise<void>;
  setLink(which: "direct" | "proxy", link: Link): Promise<void>;
  /** Rewrites /root/.ssh/authorized_keys as Vast's launcher does. */
  authorize(keys: string[]): Promise<void>;
  /** New ports, as after a restart. */
  rerollPorts(): Promise<void>;
  /** Every open connection is cut; new ones come through. */
  cut(): Promise<void>;
  /** From now on nvidia-smi finds no GPU, as when one has fallen off the bus. */
  loseGpus(): Promise<void>;
  /** Bytes through its ports so far; goes on counting. */
  readonly traffic: Traffic;
  /** The last lines of the container's log. */
  logs(tail: number): Promise<string>;
  /** Every process inside dies; files stay. */
  stop(): Promise<void>;
  /** Nothing stays. */
  destroy(): Promise<void>;
}

/** `base` = its lowest layers are those of that image. `statusMsg` is in docker's words, such as "manifest for x not found". */
export type ImageVerdict =
  | { readonly ok: true; readonly compressedMb: number; readonly base?: string }
  | { readonly ok: false; readonly statusMsg: string };

/** Makes machines. */
export interface Hosts {
  image(ref: string): ImageVerdict;
  create(spec: HostSpec): Promise<Host>;
  close(): Promise<void>;
}
