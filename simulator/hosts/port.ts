import { randomInt } from "node:crypto";
import { createServer, type Server } from "node:net";

/** A port number of 127.0.0.1 that this process holds, whether or not something listens there. */
export interface HeldPort {
  readonly number: number;
  release(): Promise<void>;
}

/** Below the ports that systems use for outgoing connections. */
const FIRST = 20_000;
const LAST = 32_000;
const TRIES = 200;

/** While a port is closed, its number is held on this address, so that no other simulator takes it. */
const HOLD_ADDRESS = "127.0.0.2";

/** Throws when none is free. */
export async function holdPort(): Promise<HeldPort> {
  for (let tries = 0; tries < TRIES; tries++) {
    const number = randomInt(FIRST, LAST);
    const hold = await listen(number, HOLD_ADDRESS, (server) => server.on("connection", (socket) => socket.destroy()));
    if (hold === undefined) continue;
    const trial = await listen(number, "127.0.0.1");
    if (trial === undefined) {
      await closed(hold);
      continue;
    }
    await closed(trial);
    hold.unref(); // a number that is held is no work to be done
    return { number, release: () => closed(hold) };
  }
  throw new Error(`No free port between ${FIRST} and ${LAST}.`);
}

/** Undefined when the port is taken. */
async function listen(
  port: number,
  host: string,
  prepare: (server: Server) => unknown = () => {},
): Promise<Server | undefined> {
  const server = createServer();
  prepare(server);
  return new Promise((done) => {
    server.once("error", () => done(undefined));
    server.listen({ port, host, exclusive: true }, () => done(server));
  });
}

export function closed(server: Server): Promise<void> {
  return new Promise((done) => server.close(() => done()));
}
