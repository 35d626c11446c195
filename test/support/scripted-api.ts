import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { VastClient } from "../../components/vast/client/client.ts";
import { Gates } from "../../components/vast/client/pacing.ts";

/** One exchange: what must be asked, and what is answered ("reset" breaks the connection). */
export interface Exchange {
  /** "GET /api/v0/instances/7/", without the query. */
  readonly ask: string;
  readonly answer:
    | "reset"
    | { readonly status?: number; readonly body?: unknown; readonly headers?: Record<string, string> };
}

export interface Asked {
  readonly ask: string;
  readonly query: URLSearchParams;
  readonly body: unknown;
  readonly authorization: string | undefined;
}

export interface ScriptedApi {
  readonly url: string;
  readonly client: VastClient;
  readonly asked: Asked[];
  /** Milliseconds slept, on a clock that only sleeping moves. */
  slept(): number;
}

/** Plays these exchanges in order. The test fails when one is missing, different or left over. */
export async function scriptedApi(t: TestContext, ...script: Exchange[]): Promise<ScriptedApi> {
  const asked: Asked[] = [];
  const wrong: string[] = [];
  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "", "http://x");
    const text = (await request.toArray()).join("");
    const body = text === "" ? undefined : JSON.parse(text);
    const ask = `${request.method} ${pathname}`;
    asked.push({ ask, query: searchParams, body, authorization: request.headers.authorization });
    const next = script.shift();
    if (next?.ask !== ask) wrong.push(`${ask} instead of ${next?.ask ?? "nothing"}`);
    if (next === undefined || next.answer === "reset") return void request.socket.destroy();
    const { status = 200, body: content, headers = {} } = next.answer;
    response.writeHead(status, headers).end(typeof content === "string" ? content : JSON.stringify(content ?? {}));
  });
  // A connection that is closed just as it is used again would look like an exchange that nobody scripted.
  server.keepAliveTimeout = 120_000;
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  t.after(() => {
    server.closeAllConnections();
    server.close();
    assert.deepEqual(wrong, []);
    assert.deepEqual(script, [], "exchanges that never happened");
  });
  let time = 0;
  const sleep = async (milliseconds: number) => {
    time += milliseconds;
  };
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const gates = new Gates(() => time, sleep);
  const client = new VastClient({ url, key: () => "the-key", keySource: "a test" }, { gates, sleep, random: () => 0 });
  return { url, client, asked, slept: () => time };
}
