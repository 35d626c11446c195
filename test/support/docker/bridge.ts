import { once } from "node:events";
import { rmSync } from "node:fs";
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

/** A proxy as HTTPS_PROXY names one: CONNECT to any host, on from here. */
export function asProxy(from: Socket): void {
  from.once("data", (first) => {
    const target = /^CONNECT (\S+):(\d+) HTTP\/1/.exec(first.toString("latin1"));
    if (!target?.[1]) return void from.end("HTTP/1.1 405 Only CONNECT\r\n\r\n");
    const to = connect(Number(target[2]), target[1]);
    to.once("connect", () => from.write("HTTP/1.1 200 OK\r\n\r\n"));
    join(from, to);
  });
}

function join(from: Socket, to: Socket): void {
  to.on("error", () => from.destroy());
  to.once("close", () => from.destroy());
  from.once("close", () => to.destroy());
  from.pipe(to).pipe(from);
}
