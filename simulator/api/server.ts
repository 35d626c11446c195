import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { sleep } from "../base/clock.ts";
import { secondsOf } from "../base/timings.ts";
import type { Repositories } from "../stores/git.ts";
import { serveManifest } from "../stores/registry.ts";
import type { World } from "../world/world.ts";
import { type Answer, CUT, json, text } from "./answer.ts";
import { control } from "./control.ts";
import { exchange, parsed } from "./exchange.ts";

const MOST_BODY_BYTES = 4 * 1024 * 1024;

/** Vast's API, the controls, the uploaded files and the repositories, all on one port. */
export function makeServer(world: World, repositories: Repositories): Server {
  const server = createServer((request, response) => {
    handle(world, repositories, request, response).catch((error) => {
      world.log(`the simulator failed at ${request.method} ${request.url}: ${error?.stack ?? error}`);
      send(
        world,
        request,
        response,
        json(500, { success: false, error: "simulator_error", msg: String(error?.message) }),
      );
    });
  });
  // A connection closed just as a client reuses it would look like a fault that nobody scripted.
  server.keepAliveTimeout = 120_000;
  return server;
}

async function handle(
  world: World,
  repositories: Repositories,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? "/", "http://127.0.0.1");
  const { pathname } = url;
  if (pathname.startsWith("/git/")) {
    world.log(`git  ${request.method?.padEnd(6)} ${request.url}`);
    return repositories.serve(request, response, url);
  }
  if (pathname.startsWith("/v2/")) {
    world.log(`hub  ${request.method?.padEnd(6)} ${request.url}`);
    return serveManifest(world.hosts, request, response, pathname);
  }
  const body = await readBody(request);
  if (pathname.startsWith("/_blobs/")) return send(world, request, response, await blob(world, pathname));
  if (pathname.startsWith("/_sim/"))
    return send(world, request, response, await control(world, request.method ?? "GET", pathname, parsed(body)));
  await answerApi(world, request, response, url, body);
}

async function answerApi(
  world: World,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  body: string,
): Promise<void> {
  const way = secondsOf(world.timings.latency, world.random);
  // The first half passes before the rate limits count the call.
  if (way > 0) await sleep(world.clock, way / 2);
  const answer = await exchange(world, {
    method: request.method ?? "GET",
    url,
    key: keyOf(request, url),
    address: addressOf(request),
    body,
  });
  if (way > 0) await sleep(world.clock, way / 2);
  send(world, request, response, answer);
}

async function blob(world: World, pathname: string): Promise<Answer> {
  const content = await world.blobs.read(pathname);
  return content === undefined ? text(403, "AccessDenied") : text(200, content);
}

/** Bearer, or the old way in the query. */
function keyOf(request: IncomingMessage, url: URL): string | undefined {
  const [scheme, key] = (request.headers.authorization ?? "").split(" ");
  return (scheme?.toLowerCase() === "bearer" ? key : undefined) ?? url.searchParams.get("api_key") ?? undefined;
}

function addressOf(request: IncomingMessage): string {
  return request.socket.remoteAddress ?? "";
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > MOST_BODY_BYTES) throw new Error("the body is too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function send({ clock }: World, request: IncomingMessage, response: ServerResponse, answer: Answer): void {
  if (answer === CUT || "cut" in answer) {
    request.socket.resetAndDestroy();
    return;
  }
  const length = Buffer.byteLength(answer.body);
  const date = new Date(clock.now()).toUTCString();
  response.writeHead(answer.status, { date, "content-type": answer.type, "content-length": length, ...answer.headers });
  response.end(answer.body);
}
