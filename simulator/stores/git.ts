import { spawn } from "node:child_process";
import type { IncomingMessage, ServerResponse } from "node:http";

/** Bare repositories of a folder, served read-only over git's own HTTP. */
export class Repositories {
  readonly #root: string;
  readonly #make: (name: string) => Promise<void>;
  readonly #made = new Map<string, Promise<void>>();

  /**
   * @param root the folder
   * @param make makes a repository in it; called once for each that is asked for. Throws for an unknown name.
   */
  constructor(root: string, make: (name: string) => Promise<void>) {
    this.#root = root;
    this.#make = make;
  }

  /** Makes sure that a repository is there. */
  prepare(name: string): Promise<void> {
    const made = this.#made.get(name) ?? this.#make(name);
    this.#made.set(name, made);
    return made;
  }

  /** Answers one request below /git/. */
  async serve(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const path = url.pathname.slice("/git".length);
    const name = path.split("/")[1] ?? "";
    try {
      await this.prepare(name);
    } catch (error) {
      request.resume();
      response.writeHead(404, { "content-type": "text/plain" });
      response.end(`no repository ${name}: ${error instanceof Error ? error.message : error}\n`);
      return;
    }
    await this.#backend(request, response, path, url.search.slice(1));
  }

  /** git's CGI program: headers, an empty line, then the body as it comes. */
  #backend(request: IncomingMessage, response: ServerResponse, path: string, query: string): Promise<void> {
    const child = spawn("git", ["http-backend"], { env: this.#environment(request, path, query), stdio: "pipe" });
    request.pipe(child.stdin);
    child.stdin.on("error", () => {}); // git may have read all it needs
    child.stderr.resume();
    let head = Buffer.alloc(0);
    child.stdout.on("data", (chunk: Buffer) => {
      if (response.headersSent) return void response.write(chunk);
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf("\r\n\r\n");
      if (end < 0) return;
      writeHead(response, head.subarray(0, end).toString());
      response.write(head.subarray(end + 4));
    });
    response.on("close", () => child.kill());
    return new Promise((done) => {
      child.on("error", () => finish(response, done));
      child.on("close", () => finish(response, done));
    });
  }

  #environment(request: IncomingMessage, path: string, query: string): NodeJS.ProcessEnv {
    const { "content-type": type, "content-encoding": encoding, "git-protocol": protocol } = request.headers;
    return {
      PATH: process.env.PATH,
      GIT_PROJECT_ROOT: this.#root,
      GIT_HTTP_EXPORT_ALL: "1",
      // The folder may belong to somebody else than the one who serves it.
      GIT_CONFIG_COUNT: "1",
      GIT_CONFIG_KEY_0: "safe.directory",
      GIT_CONFIG_VALUE_0: "*",
      PATH_INFO: path,
      QUERY_STRING: query,
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: type ?? "",
      ...(encoding === undefined ? {} : { HTTP_CONTENT_ENCODING: encoding }),
      ...(protocol === undefined ? {} : { GIT_PROTOCOL: String(protocol) }),
    };
  }
}

function writeHead(response: ServerResponse, head: string): void {
  let status = 200;
  for (const line of head.split("\r\n")) {
    const [name = "", ...rest] = line.split(":");
    const value = rest.join(":").trim();
    if (name.toLowerCase() === "status") status = Number.parseInt(value, 10);
    else response.setHeader(name, value);
  }
  response.writeHead(status);
}

function finish(response: ServerResponse, done: () => void): void {
  if (!response.headersSent) response.writeHead(500);
  response.end();
  done();
}
