import { connect, createServer, type Server, type Socket } from "node:net";
import { closed, type HeldPort, holdPort } from "./port.ts";
import type { Link, Traffic } from "./types.ts";

/** A port on 127.0.0.1 that leads to a machine's sshd and can be made to fail. Begins closed. */
export class Forward {
  readonly #target: number;
  readonly #sockets = new Set<Socket>();
  #held: HeldPort;
  #link: Link = "closed";
  #server: Server | undefined;
  readonly #traffic = { down: 0, up: 0 };

  private constructor(target: number, held: HeldPort) {
    this.#target = target;
    this.#held = held;
  }

  /** @param target the port on 127.0.0.1 that it leads to */
  static async to(target: number): Promise<Forward> {
    return new Forward(target, await holdPort());
  }

  get port(): number {
    return this.#held.number;
  }

  /** Bytes so far, on all ports that it has had. */
  get traffic(): Traffic {
    return this.#traffic;
  }

  /** A change cuts the connections that are open. */
  async set(link: Link): Promise<void> {
    if (link === this.#link) return;
    this.#link = link;
    this.cut();
    if (link === "closed") return this.#close();
    this.#server ??= await this.#listen();
  }

  /** Another port, closed. */
  async move(): Promise<void> {
    await this.set("closed");
    const held = await holdPort();
    await this.#held.release();
    this.#held = held;
  }

  async end(): Promise<void> {
    await this.set("closed");
    await this.#held.release();
  }

  #listen(): Promise<Server> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#accept(socket));
    return new Promise((done, failed) => {
      server.once("error", failed);
      server.listen(this.port, "127.0.0.1", () => done(server));
    });
  }

  async #close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server !== undefined) await closed(server);
  }

  #accept(client: Socket): void {
    this.#keep(client);
    if (this.#link === "open") this.#lead(client);
    else if (this.#link === "blackhole")
      client.resume(); // the kernel has accepted; all we can do is never answer
    else client.destroy();
  }

  #lead(client: Socket): void {
    const sshd = connect({ port: this.#target, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
    this.#keep(sshd);
    client.pipe(sshd).pipe(client);
    client.on("data", ({ length }: Buffer) => {
      this.#traffic.down += length;
    });
    sshd.on("data", ({ length }: Buffer) => {
      this.#traffic.up += length;
    });
    client.once("close", () => sshd.destroy());
    sshd.once("close", () => client.destroy());
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => {}); // "close" follows
    socket.once("close", () => this.#sockets.delete(socket));
  }

  /** Ends every connection. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
