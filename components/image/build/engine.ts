import { existsSync } from "node:fs";
import { type RequestOptions, request } from "node:http";
import { homedir } from "node:os";
import { join } from "node:path";

const PATIENCE_MS = 10_000;

/** Where this machine's Docker engine is: DOCKER_HOST, or where Docker puts its socket. */
export function localEngine(env: NodeJS.ProcessEnv = process.env): string {
  const home = env.HOME || homedir();
  const usual = [
    "/var/run/docker.sock",
    join(home, ".docker/run/docker.sock"),
    join(home, ".docker/desktop/docker.sock"),
  ];
  return env.DOCKER_HOST || `unix://${usual.find((path) => existsSync(path)) ?? usual[0]}`;
}

/** Why no engine answers there; undefined = one does, or it is behind ssh and was not asked. */
export function whyNoEngine(host: string): Promise<string | undefined> {
  const options = optionsOf(host);
  if (options === undefined) return Promise.resolve(undefined);
  return new Promise((resolve) => {
    const call = request({ ...options, path: "/_ping", headers: { Host: "docker" }, timeout: PATIENCE_MS });
    call.once("response", (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200 ? undefined : `it answers ${answer.statusCode}`);
    });
    call.once("timeout", () => call.destroy(new Error("no answer")));
    call.once("error", ({ message, code }: NodeJS.ErrnoException) => resolve(code ?? message));
    call.end();
  });
}

function optionsOf(host: string): RequestOptions | undefined {
  if (host.startsWith("unix://")) return { socketPath: host.slice("unix://".length) };
  if (!host.startsWith("tcp://")) return undefined;
  const { hostname, port } = new URL(host.replace(/^tcp:/, "http:"));
  return { host: hostname.replace(/^\[(.*)\]$/, "$1"), port };
}
