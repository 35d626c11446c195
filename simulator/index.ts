import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { checkFault } from "./api/check-fault.ts";
import { makeServer } from "./api/server.ts";
import { type Clock, realClock, scoped } from "./base/clock.ts";
import { lockHome, removeRuntime, writeRuntime } from "./base/runtime.ts";
import { type Timings, timingsFor } from "./base/timings.ts";
import { noHosts } from "./hosts/no-hosts.ts";
import type { Hosts } from "./hosts/types.ts";
import { Blobs } from "./stores/blobs.ts";
import { Repositories } from "./stores/git.ts";
import { schedule } from "./world/mishaps.ts";
import { makeWorld, type World } from "./world/world.ts";

export type { Answer } from "./api/answer.ts";
export { exchange } from "./api/exchange.ts";
export type { Clock, HandClock } from "./base/clock.ts";
export { handClock, realClock } from "./base/clock.ts";
export type { BillingLedger } from "./base/ledger.ts";
export type { LoggedRequest } from "./base/requests.ts";
export type { Timings } from "./base/timings.ts";
export type { Fault } from "./faults/fault.ts";
export { ledger, type World } from "./world/world.ts";

export interface SimulatorOptions {
  /** Default 0 = a free one. */
  readonly port?: number;
  /** Folder of the simulator's own files: `<state directory>/simulator`. */
  readonly home: string;
  /** The same seed gives the same market; default 1. */
  readonly seed?: number;
  /** How many times as many machines as usual there are to rent; default 1. */
  readonly market?: number;
  /** Default: the real one. */
  readonly clock?: Clock;
  /** Multiplies the real platform's typical waits; undefined = a quick profile. */
  readonly timeFactor?: number;
  /** Default "real": a machine with an sshd behind each instance. "none" = the API alone. */
  readonly hosts?: "real" | "none";
  /** Socket of the Docker engine that virtual machines have; default none. */
  readonly docker?: string | undefined;
  readonly log?: (line: string) => void;
  readonly timings?: Partial<Timings>;
  /** Enforces Vast's rate limits; default true. */
  readonly pace?: boolean;
  /** Status for an unknown key: 404 was observed, 401 is documented. Default 404. */
  readonly unknownKeyStatus?: 401 | 404;
}

export interface Simulator {
  readonly url: string;
  readonly apiKey: string;
  readonly apiKeyFile: string;
  readonly world: World;
  /** Ends it, and every machine with it. */
  close(): Promise<void>;
}

const EXAMPLE = "tiny-train";

/**
 * Starts a simulator of Vast's API on 127.0.0.1. Throws one clear sentence when another simulator runs in the same
 * folder or this machine cannot run the hosts.
 */
export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  const { home, log = () => {} } = options;
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const unlock = lockHome(home);
  const undo: (() => unknown)[] = [unlock];
  try {
    const hosts = await openHosts(options, log);
    undo.push(() => hosts.close());
    return await serve(options, hosts, undo);
  } catch (error) {
    await unwind(undo);
    throw error;
  }
}

async function serve(options: SimulatorOptions, hosts: Hosts, undo: (() => unknown)[]): Promise<Simulator> {
  const { home } = options;
  const { clock, end } = scoped(options.clock ?? realClock());
  undo.push(end);
  const apiKey = randomBytes(32).toString("hex");
  const world = openWorld(options, { clock, hosts, apiKey });
  undo.push(() => world.life.close());
  const repositories = exampleRepositories(join(home, "git"));
  if (options.hosts !== "none") await repositories.prepare(EXAMPLE);
  const server = makeServer(world, repositories);
  const port = await listen(server, options.port ?? 0);
  undo.push(
    () =>
      new Promise((done) => {
        server.close(done);
        server.closeAllConnections();
      }),
  );
  const url = `http://127.0.0.1:${port}`;
  world.url = url;
  const apiKeyFile = join(home, "api_key");
  writeFileSync(apiKeyFile, `${apiKey}\n`, { mode: 0o600 });
  chmodSync(apiKeyFile, 0o600);
  writeRuntime(home, { url, apiKeyFile, pid: process.pid, repos: { [EXAMPLE]: `${url}/git/${EXAMPLE}` } });
  undo.push(() => removeRuntime(home));
  return { url, apiKey, apiKeyFile, world, close: once(() => unwind(undo)) };
}

/** A world without a server: `exchange` talks to it. */
export function openWorld(
  options: Pick<SimulatorOptions, "seed" | "market" | "timeFactor" | "timings" | "pace" | "unknownKeyStatus" | "log">,
  { clock, hosts = noHosts(), apiKey }: { readonly clock: Clock; readonly hosts?: Hosts; readonly apiKey: string },
): World {
  return makeWorld({
    clock,
    timings: timingsFor(options.timeFactor, options.timings),
    seed: options.seed ?? 1,
    market: options.market ?? 1,
    hosts,
    apiKey,
    unknownKeyStatus: options.unknownKeyStatus ?? 404,
    pace: options.pace ?? true,
    log: options.log ?? (() => {}),
    mishap: schedule,
    checkFault,
    blobs: new Blobs(clock),
  });
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((done, failed) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const taken = new Error(`Port ${port} of 127.0.0.1 is taken; choose another one, or 0 for a free one.`);
      failed(error.code === "EADDRINUSE" ? taken : error);
    });
    server.listen(port, "127.0.0.1", () => done((server.address() as AddressInfo).port));
  });
}

async function openHosts(
  { hosts = "real", home, docker }: SimulatorOptions,
  log: (line: string) => void,
): Promise<Hosts> {
  if (hosts === "none") return noHosts();
  const { realHosts } = await import("./hosts/index.ts");
  return realHosts({ home: join(home, "hosts"), log, ...(docker === undefined ? {} : { docker }) });
}

function exampleRepositories(root: string): Repositories {
  return new Repositories(root, async (name) => {
    if (name !== EXAMPLE) throw new Error(`the only one is ${EXAMPLE}`);
    mkdirSync(root, { recursive: true });
    const { exampleRepository } = await import("./hosts/index.ts");
    await exampleRepository(join(root, name));
  });
}

/** Undoes the last thing first. */
async function unwind(undo: (() => unknown)[]): Promise<void> {
  for (const step of undo.splice(0).reverse()) await step();
}

function once(action: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => {
    done ??= action();
    return done;
  };
}
