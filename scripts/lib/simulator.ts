import { join } from "node:path";
import { type RunningCommand, startCommand } from "./command.ts";
import { projectDir } from "./workspace.ts";

export interface SimulatorProcessOptions {
  /** The state directory it serves (VAST_TRAINING_HOME). */
  home: string;
  env: NodeJS.ProcessEnv;
  /** More options of `npm run simulator`, as typed. */
  args?: readonly string[];
  /** Each line of its log. */
  onLog?: (line: string) => void;
}

export interface LedgerContract {
  id: number;
  label: string | null;
  machineId: number;
  gpuName: string;
  gpus: number;
  isBid: boolean;
  state: string;
  destroyedAt: string | number | null;
  cost: { gpu: number; disk: number; total: number };
}

/** What the simulator has billed; dollars. */
export interface BillingLedger {
  contracts: LedgerContract[];
  total: number;
  living: number;
  ratePerHour: number;
}

/** The simulator as a child process, the way a user starts it. */
export interface SimulatorProcess {
  readonly url: string;
  readonly apiKey: string;
  /** Its log so far. */
  readonly log: readonly string[];
  ledger(): Promise<BillingLedger>;
  /** GET of a path like /_sim/requests. */
  get(path: string): Promise<unknown>;
  /** POST of a path like /_sim/faults. */
  post(path: string, body: unknown): Promise<unknown>;
  /** Ends it as ^C does: its machines go with it. */
  stop(): Promise<void>;
}

export async function startSimulatorProcess(options: SimulatorProcessOptions): Promise<SimulatorProcess> {
  const log: string[] = [];
  const ready = Promise.withResolvers<string>();
  const command = startCommand("node", [join("simulator", "main.ts"), "--port", "0", ...(options.args ?? [])], {
    cwd: projectDir,
    env: { ...options.env, VAST_TRAINING_HOME: options.home },
    onLine: (line, stream) => {
      if (stream === "stdout") return ready.resolve(line);
      log.push(line);
      options.onLog?.(line);
    },
  });
  const early = command.result.then(() => {
    throw new Error(`The simulator ended before it was ready:\n${log.slice(-10).join("\n")}`);
  });
  const { url, apiKey } = JSON.parse(await Promise.race([ready.promise, early]));
  early.catch(() => {}); // that it ends later is no error
  const get = (path: string) => ask(`${url}${path}`);
  return {
    url,
    apiKey,
    log,
    get,
    post: (path, body) => ask(`${url}${path}`, body),
    ledger: async () => (await get("/_sim/ledger")) as BillingLedger,
    stop: () => stop(command),
  };
}

async function ask(url: string, body?: unknown): Promise<unknown> {
  const post = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  const response = await fetch(url, body === undefined ? {} : post);
  const text = await response.text();
  if (!response.ok) throw new Error(`The simulator answered ${response.status} to ${url}: ${text.slice(0, 300)}`);
  return text === "" ? null : JSON.parse(text);
}

/** Stops a simulator, which removes its machines first. One that hangs is killed; the next start cleans up after it. */
async function stop(command: RunningCommand): Promise<void> {
  command.signal("SIGTERM");
  const timer = setTimeout(() => command.kill(), 20_000);
  await command.result.finally(() => clearTimeout(timer));
}
