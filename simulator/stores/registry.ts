import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Hosts } from "../hosts/types.ts";

const TYPE = "application/vnd.docker.distribution.manifest.v2+json";
const CONFIG_BYTES = 7_000;

/** Answers as Docker Hub's registry would for the images that the simulator's machines can have: manifests, to anybody. */
export function serveManifest(
  hosts: Hosts,
  request: IncomingMessage,
  response: ServerResponse,
  pathname: string,
): void {
  request.resume();
  const [, name = "", reference = ""] = /^\/v2\/(.+)\/manifests\/([^/]+)$/.exec(pathname) ?? [];
  const body = manifestOf(hosts, name.replace(/^library\//, ""), reference);
  const found = body !== undefined;
  const text = body ?? JSON.stringify({ errors: [{ code: "MANIFEST_UNKNOWN", message: "manifest unknown" }] });
  response.writeHead(found ? 200 : 404, {
    "content-type": found ? TYPE : "application/json",
    "content-length": Buffer.byteLength(text),
    ...(found ? { "docker-content-digest": digestOf(text) } : {}),
  });
  response.end(request.method === "HEAD" ? undefined : text);
}

function manifestOf(hosts: Hosts, name: string, reference: string): string | undefined {
  const isDigest = reference.startsWith("sha256:");
  const verdict = hosts.image(isDigest ? name : `${name}:${reference}`);
  if (!verdict.ok) return undefined;
  const text = manifest(hosts, name);
  return isDigest && digestOf(text) !== reference ? undefined : text;
}

function manifest(hosts: Hosts, name: string): string {
  const config = blob(name, "application/vnd.docker.container.image.v1+json", CONFIG_BYTES);
  return JSON.stringify({ schemaVersion: 2, mediaType: TYPE, config, layers: layersOf(hosts, name) });
}

/** Those of its base, and one of its own. */
function layersOf(hosts: Hosts, name: string): ReturnType<typeof blob>[] {
  const verdict = hosts.image(name);
  if (!verdict.ok) return [];
  const below = verdict.base === undefined ? [] : layersOf(hosts, verdict.base);
  const bytes = below.reduce((left, { size }) => left - size, verdict.compressedMb * 1e6 - CONFIG_BYTES);
  return [...below, blob(name, "application/vnd.docker.image.rootfs.diff.tar.gzip", bytes)];
}

function blob(name: string, mediaType: string, size: number) {
  return { mediaType, size, digest: digestOf(`${name} ${mediaType}`) };
}

function digestOf(text: string): string {
  return `sha256:${createHash("sha256").update(text).digest("hex")}`;
}
