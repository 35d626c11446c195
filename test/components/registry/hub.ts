import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";

export interface Seen {
  method: string;
  /** With its query. */
  url: string;
  authorization: string | undefined;
  accept: string | undefined;
}

type Reply = [status: number, headers?: Record<string, string>, body?: string | object];

/** A server of a test's own on loopback; every request is noted. */
export async function openServer(t: TestContext, reply: (seen: Seen) => Reply) {
  const seen: Seen[] = [];
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const { authorization, accept } = request.headers;
    const one = { method: request.method ?? "", url: request.url ?? "", authorization, accept };
    seen.push(one);
    const [status, headers = {}, body = ""] = reply(one);
    response.writeHead(status, headers).end(typeof body === "string" ? body : JSON.stringify(body));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  t.after(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const port = (server.address() as AddressInfo).port;
  return { url: `http://127.0.0.1:${port}`, address: `127.0.0.1:${port}`, seen };
}

export const digestOf = (text: string | Buffer) => `sha256:${createHash("sha256").update(text).digest("hex")}`;

export const basic = (login: { username: string; password: string }) =>
  `Basic ${Buffer.from(`${login.username}:${login.password}`).toString("base64")}`;

const single = (layers: number[]) =>
  JSON.stringify({
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    config: { mediaType: "application/vnd.oci.image.config.v1+json", digest: digestOf("config"), size: 100 },
    layers: layers.map((size) => ({
      mediaType: "application/vnd.oci.image.layer.v1.tar+gzip",
      digest: digestOf(`${size}`),
      size,
    })),
  });

export const amd64 = single([1000, 20_000]);
export const arm64 = single([5]);

const entry = (text: string, platform: object) => ({
  mediaType: "application/vnd.oci.image.manifest.v1+json",
  digest: digestOf(text),
  size: text.length,
  platform,
});

export const index = JSON.stringify({
  schemaVersion: 2,
  mediaType: "application/vnd.oci.image.index.v1+json",
  manifests: [
    entry(arm64, { os: "linux", architecture: "arm64" }),
    entry(amd64, { os: "linux", architecture: "amd64" }),
    entry("attestation", { os: "unknown", architecture: "unknown" }),
  ],
});

/**
 * Docker Hub as its public documentation describes it, at a place of its own: `library/public` for everybody,
 * `tester/private` for the one login, the same answer for what is private and for what is not there.
 */
export async function openHub(t: TestContext, login: { username: string; password: string }) {
  const auth = await openServer(t, ({ url, authorization }) => {
    if (authorization !== undefined && authorization !== basic(login)) return [401, {}, { details: "incorrect" }];
    const scope = new URL(url, "http://x").searchParams.get("scope") ?? "";
    const may =
      scope === "repository:library/public:pull" || (authorization && scope === "repository:tester/private:pull");
    return [
      200,
      { "Content-Type": "application/json" },
      { token: may ? `token-for-${scope}` : "token-for-nothing", expires_in: 300 },
    ];
  });
  const manifests: Record<string, string> = {
    latest: index,
    arm: arm64,
    [digestOf(amd64)]: amd64,
    [digestOf(index)]: index,
  };
  const hub = await openServer(t, ({ url, authorization, method }) => {
    const [, repository = "", reference = ""] = /^\/v2\/(.*)\/manifests\/(.*)$/.exec(url) ?? [];
    const scope = `repository:${repository}:pull`;
    if (authorization !== `Bearer token-for-${scope}`) {
      const challenge = `Bearer realm="${auth.url}/token",service="registry.docker.io",scope="${scope}"`;
      return [401, { "WWW-Authenticate": challenge }, { errors: [{ code: "UNAUTHORIZED" }] }];
    }
    const text = manifests[reference];
    if (text === undefined) return [404, {}, { errors: [{ code: "MANIFEST_UNKNOWN" }] }];
    return [200, { "Docker-Content-Digest": digestOf(text) }, method === "HEAD" ? "" : text];
  });
  return { hub, auth };
}
