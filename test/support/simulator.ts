import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import {
  type Fault,
  type HandClock,
  handClock,
  type Simulator,
  type SimulatorOptions,
  startSimulator,
} from "../../simulator/index.ts";

// biome-ignore lint/suspicious/noExplicitAny: answers are looked at field by field
export type Body = any;

export interface Reply {
  readonly status: number;
  readonly type: string;
  readonly headers: Headers;
  readonly text: string;
  /** Parsed, or undefined where it is no JSON. */
  readonly body: Body;
}

/** A state directory, and in it a simulator that every process with this environment finds under "simulator". */
export interface Simulated {
  readonly home: string;
  readonly env: { readonly VAST_TRAINING_HOME: string };
  readonly simulator: Simulator;
}

/** A simulator over HTTP for as long as the test lasts; without machines and with Vast's limits unless told. */
export async function simulate(
  t: TestContext,
  { faults = [], ...options }: Partial<SimulatorOptions> & { readonly faults?: readonly Fault[] } = {},
): Promise<Simulated> {
  const home = mkdtempSync(join(tmpdir(), "vast-simulated-"));
  let simulator: Simulator | undefined;
  t.after(async () => {
    await simulator?.close();
    rmSync(home, { recursive: true, force: true });
  });
  simulator = await startSimulator({ home: join(home, "simulator"), hosts: "none", ...options });
  simulator.world.faults.add(...faults);
  return { home, env: { VAST_TRAINING_HOME: home }, simulator };
}

/** A simulator without machines, whose time the test turns, and a way to talk to it. */
export interface Bench {
  readonly simulator: Simulator;
  readonly clock: HandClock;
  ask(method: string, path: string, body?: unknown, key?: string | null): Promise<Reply>;
  /** Rents one H100 by a bid that wins, or what is asked for, on a machine of its own: the market lists its bids late. */
  rent(order?: Record<string, unknown>, offer?: Record<string, unknown>): Promise<number>;
  /** The same, and waits until it runs. */
  running(order?: Record<string, unknown>): Promise<number>;
  instance(id: number): Promise<Body>;
  ledgerOf(id: number): Promise<Body>;
}

/** Vast's limits are off unless the test is about them. */
export async function openBench(t: TestContext, options: Partial<SimulatorOptions> = {}): Promise<Bench> {
  const clock = handClock();
  const { simulator } = await simulate(t, { pace: false, clock, ...options });
  const bench = { simulator, clock, ask: asker(simulator) };
  const rent: Bench["rent"] = async (order = {}, wanted = {}) => {
    const offer = await findFreeOffer(bench, wanted);
    const { body } = await bench.ask("PUT", `/api/v0/asks/${offer.id}/`, { ...ORDER, price: offer.min_bid, ...order });
    assert.ok(body.success, JSON.stringify(body));
    return body.new_contract;
  };
  const running: Bench["running"] = async (order) => {
    const id = await rent(order);
    await clock.advance(10);
    return id;
  };
  const instance: Bench["instance"] = async (id) => (await bench.ask("GET", `/api/v0/instances/${id}/`)).body.instances;
  const ledgerOf: Bench["ledgerOf"] = async (id) => {
    const { body } = await bench.ask("GET", "/_sim/ledger", undefined, null);
    return body.contracts.find((line: Body) => line.id === id);
  };
  return { ...bench, rent, running, instance, ledgerOf };
}

export const ORDER = {
  client_id: "me",
  image: "pytorch/pytorch:2.4.0",
  disk: 100,
  label: "test",
  runtype: "ssh_direc ssh_proxy",
  env: {},
  cancel_unavail: true,
};

export function asker({ url, apiKey }: Pick<Simulator, "url" | "apiKey">): Bench["ask"] {
  return async (method, path, body, key = apiKey) => {
    const response = await fetch(url + path, {
      method,
      headers: {
        ...(key === null ? {} : { authorization: `Bearer ${key}` }),
        "content-type": "application/json",
        connection: "close",
      },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const { status, headers } = response;
    return { status, type: headers.get("content-type") ?? "", headers, text, body: parsed(text) };
  };
}

/** The cheapest rentable H100 for a bid, or what is asked for. */
export async function findOffer({ ask }: Pick<Bench, "ask">, wanted: Record<string, unknown> = {}): Promise<Body> {
  const query = {
    gpu_name: { eq: "H100 SXM" },
    num_gpus: { eq: 1 },
    rentable: { eq: true },
    type: "bid",
    order: [["dph_total", "asc"]],
    allocated_storage: 100,
    ...wanted,
  };
  const { body } = await ask("POST", "/api/v0/bundles/", query);
  assert.ok(body.offers?.length > 0, `no offer for ${JSON.stringify(query)}`);
  return body.offers[0];
}

/** The same, on a machine that the account has nothing on: the market lists our own bids late. */
export function findFreeOffer(
  { simulator, ask }: Pick<Bench, "simulator" | "ask">,
  wanted: Record<string, unknown> = {},
): Promise<Body> {
  const used = simulator.world.contracts.all().map(({ offer: { machine } }) => machine.id);
  return findOffer({ ask }, { machine_id: { notin: used }, ...wanted });
}

function parsed(text: string): Body {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
