import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { type ClientRequest, type IncomingMessage, type RequestOptions, request } from "node:http";
import { homedir } from "node:os";
import { join } from "node:path";
import { Duplex, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

/** Where a Docker engine is, as DOCKER_HOST says it: unix://, tcp:// (plain) or ssh://. */
export interface EngineAddress {
  host: string;
  /** Words for ssh, before the destination. */
  sshOpts: readonly string[];
}

export interface EngineRequest {
  method: "GET" | "POST";
  path: string;
  query?: Record<string, string>;
  headers?: Record<string, string>;
  body?: Readable;
}

export interface EngineAnswer {
  status: number;
  body: IncomingMessage;
}

const defaultHosts = () => [
  "/var/run/docker.sock",
  join(homedir(), ".docker/run/docker.sock"),
  join(homedir(), ".docker/desktop/docker.sock"),
];

/** The engine's address when the program gives none. */
export function defaultHost(): string {
  const [usual] = defaultHosts();
  return process.env.DOCKER_HOST || `unix://${defaultHosts().find((path) => existsSync(path)) ?? usual}`;
}

/** What is wrong with an address; undefined when it is understood. */
export function addressProblem(host: string): string | undefined {
  if (/^(unix:\/\/\/.|tcp:\/\/[^/]+:\d+\/?$)/.test(host)) return undefined;
  if (!URL.canParse(host) || !host.startsWith("ssh://"))
    return "must be unix:///…, tcp://host:port or ssh://user@host:port";
  const { password, hostname, search, hash } = new URL(host);
  if (password !== "") return "must not hold a password";
  return hostname === "" || hostname.startsWith("-") || search + hash !== ""
    ? "must read ssh://user@host:port"
    : undefined;
}

/** One call of the engine's API. Rejects when the engine cannot be reached; any HTTP status is an answer. */
export async function callEngine(
  address: EngineAddress,
  call: EngineRequest,
  signal: AbortSignal,
): Promise<EngineAnswer> {
  const { method, path, query = {}, headers = {} } = call;
  const link = openLink(address);
  const sent = request({
    ...link.options,
    method,
    path: `${path}?${new URLSearchParams(query)}`,
    headers: { Host: "docker", ...headers },
    signal,
  });
  try {
    return await answerOf(sent, call.body);
  } catch (error) {
    sent.destroy();
    throw new Error(`The Docker engine at ${address.host} does not answer: ${await link.reason(error as Error)}`);
  }
}

async function answerOf(sent: ClientRequest, body: Readable | undefined): Promise<EngineAnswer> {
  const answered = new Promise<EngineAnswer>((resolve, reject) => {
    sent.once("response", (response) => resolve({ status: response.statusCode ?? 0, body: response }));
    sent.on("error", reject); // a later error shows in the answer too
  });
  // An engine may refuse before it has read everything.
  if (body) pipeline(body, sent).catch((error) => sent.destroy(error));
  else sent.end();
  return answered;
}

interface Link {
  options: RequestOptions;
  /** Why it broke, in words for a user. */
  reason(error: Error): Promise<string>;
}

function openLink({ host, sshOpts }: EngineAddress): Link {
  const reason = async (error: Error) => error.message;
  if (host.startsWith("unix://")) return { options: { socketPath: host.slice("unix://".length) }, reason };
  if (host.startsWith("ssh://")) return sshLink(host, sshOpts);
  const { hostname, port } = new URL(host.replace(/^tcp:/, "http:"));
  return { options: { host: hostname.replace(/^\[(.*)\]$/, "$1"), port }, reason };
}

/** As Docker's own tools do: the docker program on the other side passes our bytes on to its engine. */
function sshLink(host: string, sshOpts: readonly string[]): Link {
  const child = spawn("ssh", sshWords(host, sshOpts), { stdio: "pipe" });
  const end = () => child.kill();
  process.once("exit", end);
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-2000);
  });
  const ended = new Promise<void>((resolve) => {
    child.once("error", ({ message }) => {
      said += message;
      resolve();
    });
    child.once("close", () => resolve());
  }).finally(() => process.removeListener("exit", end));
  const socket = duplexOf(child);
  return {
    options: { createConnection: () => socket },
    reason: async (error) => {
      child.kill();
      await ended;
      return said.trim() || error.message;
    },
  };
}

function duplexOf(child: ChildProcess): Duplex {
  const { stdin, stdout } = child;
  if (!stdin || !stdout) throw new Error("ssh has no pipes");
  stdin.on("error", () => {}); // ssh has ended, and says why
  const socket = Duplex.from({ writable: stdin, readable: stdout });
  socket.once("close", () => child.kill());
  return socket;
}

function sshWords(host: string, sshOpts: readonly string[]): string[] {
  const { username, hostname, port, pathname } = new URL(host);
  const timeout = sshOpts.some((word) => word.includes("ConnectTimeout")) ? [] : ["-o", "ConnectTimeout=30"];
  const user = username === "" ? [] : ["-l", decodeURIComponent(username)];
  const remote = /^\/?$/.test(pathname) ? [] : ["--host", `unix://${pathname}`];
  const words = ["docker", ...remote, "system", "dial-stdio"].map((word) =>
    /^[\w/.:-]+$/.test(word) ? word : quoted(word),
  );
  const place = hostname.replace(/^\[(.*)\]$/, "$1");
  return [...sshOpts, ...timeout, "-T", ...user, ...(port === "" ? [] : ["-p", port]), "--", place, words.join(" ")];
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
