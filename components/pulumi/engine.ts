import { connect } from "node:net";
import { credentials, Metadata } from "@grpc/grpc-js";
import engineService from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import engineMessages from "@pulumi/pulumi/proto/engine_pb.js";
import { printable } from "../lib/text.ts";
import { ownLine } from "./own-line.ts";

/** Whether the engine that asked for something is still there to hear of it. */
export interface EngineWatch {
  /** Aborted as soon as the engine is gone. */
  readonly signal: AbortSignal;
  /** Asks again, now. */
  alive(): Promise<boolean>;
  stop(): void;
}

/** The engine's address, the last argument of a provider process; undefined = no engine started this process. */
export function engineAddress(argv: readonly string[] = process.argv): string | undefined {
  const last = argv.at(-1) ?? "";
  return /^[^\s/]+:\d+$/.test(last) ? last : undefined;
}

type Client = InstanceType<typeof engineService.EngineClient>;

/** One connection for all rows of a process. */
const clients = new Map<string, Client>();
const LONGEST_TEXT = 2000;
const PATIENCE_MS = 2000;
/** An engine that is held up may take a line that stays this late, long after nobody waits for that any more. */
const LATEST_MS = 60_000;

/**
 * Shows a text on a resource's own row until the next one comes, and in a narrow terminal under the table too. Never
 * throws and never waits.
 */
export function progress(urn: string | undefined, text: string): void {
  void log(urn, text, true);
  if (engineAddress() !== undefined && urn) ownLine.show(`${nameIn(urn)}: ${printable(text)}`);
}

/** The resource's name, as its row has it. */
function nameIn(urn: string): string {
  return urn.split("::").at(-1) ?? "";
}

/**
 * Prints a line that stays, on the resource's row. Never rejects; resolves when the engine has it, or never will, or has
 * not taken it within seconds: it may take it later.
 */
export function say(urn: string | undefined, text: string): Promise<void> {
  return log(urn, text, false);
}

/** A line that cannot be shown must not fail a rental. */
function log(urn: string | undefined, text: string, ephemeral: boolean): Promise<void> {
  const address = engineAddress();
  if (address === undefined || urn === undefined) return Promise.resolve();
  return new Promise((resolve) => {
    const late = setTimeout(resolve, PATIENCE_MS);
    const end = () => {
      clearTimeout(late);
      resolve();
    };
    try {
      const request = new engineMessages.LogRequest();
      request.setUrn(urn);
      request.setSeverity(engineMessages.LogSeverity.INFO);
      request.setMessage(printable(text, LONGEST_TEXT));
      request.setEphemeral(ephemeral);
      const deadline = Date.now() + (ephemeral ? PATIENCE_MS : LATEST_MS);
      clientOf(address).log(request, new Metadata(), { deadline }, end);
    } catch {
      end();
    }
  });
}

function clientOf(address: string): Client {
  const known = clients.get(address);
  if (known !== undefined) return known;
  const client = new engineService.EngineClient(address, credentials.createInsecure());
  clients.set(address, client);
  return client;
}

/**
 * Does the engine still listen? A provider outlives the command that started it, because its parent is a shell and the
 * terminal's signals do not reach it. Only a refused connection counts as gone; without an address there is no engine
 * to lose.
 */
export function engineAlive(address: string | undefined = engineAddress()): Promise<boolean> {
  if (address === undefined) return Promise.resolve(true);
  const colon = address.lastIndexOf(":");
  return new Promise((resolve) => {
    const socket = connect({ host: address.slice(0, colon), port: Number(address.slice(colon + 1)) });
    const end = (alive: boolean) => {
      socket.destroy();
      resolve(alive);
    };
    socket.unref();
    socket.setTimeout(PATIENCE_MS, () => end(true));
    socket.once("connect", () => end(true));
    socket.once("error", (error) => end((error as NodeJS.ErrnoException).code !== "ECONNREFUSED"));
  });
}

const LOOK_EVERY_MS = 500;

/** Watches the engine until it is gone or `stop` is called. Keeps no process alive. */
export function watchEngine(address: string | undefined = engineAddress()): EngineWatch {
  const gone = new AbortController();
  const look = async () => {
    const alive = await engineAlive(address);
    if (!alive) {
      clearInterval(timer);
      gone.abort();
    }
    return alive;
  };
  const timer = setInterval(look, LOOK_EVERY_MS);
  timer.unref();
  return { signal: gone.signal, alive: look, stop: () => clearInterval(timer) };
}
