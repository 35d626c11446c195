import { once } from "node:events";
import { rmSync } from "node:fs";
import { createServer as createHttpServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { connect, createServer, type Server, type Socket } from "node:net";

/** A Unix socket that leads to a port of this machine's loopback, or to whatever `accept` does with a connection. */
export interface Bridge {
  readonly path: string;
  close(): Promise<void>;
}

export async function openBridge(path: string, accept: (from: Socket) => void): Promise<Bridge> {
  const open = new Set<Socket>();
  const server: Server = createServer((from) => {
    open.add(from.once("close", () => open.delete(from)));
    from.on("error", () => from.destroy());
    accept(from);
  });
  await once(server.listen(path), "listening");
  return {
    path,
    close: async () => {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      rmSync(path, { force: true });
    },
  };
}

export function toPort(port: number): (from: Socket) => void {
  return (from) => join(from, connect(port, "127.0.0.1"));
}

const proxy = createHttpServer(forward);
proxy.on("connect", (request, from: Socket) => {
  const { hostname, port } = new URL(`http://${request.url}`);
  const to = connect(Number(port), hostname);
  to.once("connect", () => from.write("HTTP/1.1 200 OK\r\n\r\n"));
  join(from, to);
});

/** A proxy as HTTPS_PROXY and http_proxy name one: to any host, on from here. */
export function asProxy(from: Socket): void {
  proxy.emit("connection", from);
}

function forward(from: IncomingMessage, response: ServerResponse): void {
  const { method, url = "", headers } = from;
  const to = request(url, { method, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  to.once("error", () => response.writeHead(502).end());
  from.pipe(to);
}

function join(from: Socket, to: Socket): void {
  to.on("error", () => from.destroy());
  to.once("close", () => from.destroy());
  from.once("close", () => to.destroy());
  from.pipe(to).pipe(from);
}
