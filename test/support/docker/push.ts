import assert from "node:assert/strict";
import { basic, digestOf } from "../../components/registry/hub.ts";
import type { Registry } from "./registry.ts";

const MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";

/** Something a registry has taken. */
export interface Pushed {
  readonly digest: string;
  readonly length: number;
}

/** Asks a registry for something that must work, with its login. */
export async function callRegistry(
  { address, login }: Registry,
  method: string,
  place: string,
  body?: string | Buffer<ArrayBuffer>,
  type = "application/octet-stream",
): Promise<Response> {
  const headers = { "Content-Type": type, ...(login ? { Authorization: basic(login) } : {}) };
  const words = { method, headers, ...(body === undefined ? {} : { body }) };
  const answer = await fetch(new URL(place, `http://${address}`), words);
  assert.ok(answer.ok, `${method} ${place}: ${answer.status} ${answer.ok ? "" : await answer.text()}`);
  return answer;
}

/** Puts an image there as a push does it. @param blobs its config, then its layers */
export async function pushImage(
  registry: Registry,
  repository: string,
  blobs: readonly (string | Buffer<ArrayBuffer>)[],
  tags: readonly string[],
): Promise<Pushed> {
  for (const blob of blobs) {
    const started = await callRegistry(registry, "POST", `/v2/${repository}/blobs/uploads/`, "");
    await callRegistry(registry, "PUT", `${started.headers.get("location")}&digest=${digestOf(blob)}`, blob);
  }
  const [config, ...layers] = blobs.map((blob) => ({
    mediaType: "application/vnd.docker.image.rootfs.diff.tar.gzip",
    digest: digestOf(blob),
    size: blob.length,
  }));
  const ofConfig = { ...config, mediaType: "application/vnd.docker.container.image.v1+json" };
  const manifest = JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST, config: ofConfig, layers });
  for (const tag of tags) {
    await callRegistry(registry, "PUT", `/v2/${repository}/manifests/${tag}`, manifest, MANIFEST);
  }
  return { digest: digestOf(manifest), length: manifest.length };
}
