import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import {
  createReadStream,
  createWriteStream,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { madeOnce } from "./cache.ts";

/** An image in a registry on this computer's loopback; other registries cannot be reached from here. */
const LOCAL =
  /^(?<host>(?:127\.\d+\.\d+\.\d+|localhost):\d+)\/(?<name>[a-z0-9._/-]+?)(?::(?<tag>\w[\w.-]*))?(?:@(?<digest>sha256:[0-9a-f]{64}))?$/;

const KINDS = [
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
].join(", ");

/** Not taken from the image: the machine has its own. */
const LEFT_OUT = ["dev", "proc", "sys", "bin", "sbin", "lib", "lib32", "lib64", "libx32"];
const OWN_FILES = [
  "etc/passwd",
  "etc/group",
  "etc/shadow",
  "etc/hostname",
  "etc/hosts",
  "etc/resolv.conf",
  ".dockerenv",
];

const run = promisify(execFile);

export function isLocal(reference: string): boolean {
  return LOCAL.test(reference);
}

interface Blob {
  readonly digest: string;
  readonly size: number;
}

/** What a manifest or an index holds, as far as it is needed. */
interface Document {
  readonly config?: Blob;
  readonly layers?: readonly Blob[];
  readonly manifests?: readonly { readonly digest: string; readonly platform?: { readonly architecture?: string } }[];
}

/** An image that was pulled: its files, and the PATH that it sets. */
export interface PulledImage {
  /** Holds `root`, `usr` and `local`. */
  readonly layer: string;
  readonly path: string | undefined;
}

/**
 * Pulls as a host's docker does, and lays out what is inside. Rejects in docker's words.
 * @param folder holds what was pulled, by digest
 * @param login `-u USER -p PASSWORD REGISTRY`, as Vast passes it on
 */
export async function pullImage(reference: string, login: string | null, folder: string): Promise<PulledImage> {
  const { host = "", name = "", tag = "latest", digest } = LOCAL.exec(reference)?.groups ?? {};
  const [, user, password] = /^-u (\S+) -p (\S+) \S+$/.exec(login ?? "") ?? [];
  const headers: Record<string, string> =
    user === undefined ? {} : { Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}` };
  const get = async (path: string) => {
    const answer = await fetch(`http://${host}/v2/${name}/${path}`, { headers: { ...headers, Accept: KINDS } });
    if (answer.ok) return answer;
    await answer.body?.cancel();
    if (answer.status === 404) throw new Error(`manifest for ${reference} not found: manifest unknown`);
    throw new Error(`pull access denied for ${host}/${name}, repository does not exist or may require 'docker login'`);
  };
  const manifest = await single(get, digest ?? tag);
  const config = (await (await get(`blobs/${manifest.config?.digest}`)).json()) as { config?: { Env?: string[] } };
  const key = createHash("sha256").update(JSON.stringify(manifest)).digest("hex").slice(0, 24);
  const layer = await madeOnce(join(folder, key), (work) => layOut(work, manifest.layers ?? [], get));
  return { layer, path: config.config?.Env?.find((line) => line.startsWith("PATH="))?.slice(5) };
}

type Get = (path: string) => Promise<Response>;

async function single(get: Get, reference: string): Promise<Document> {
  const found = (await (await get(`manifests/${reference}`)).json()) as Document;
  const inner = found.manifests?.find(({ platform }) => platform?.architecture === "amd64");
  return inner === undefined ? found : single(get, inner.digest);
}

async function layOut(work: string, layers: readonly Blob[], get: Get): Promise<void> {
  const root = join(work, "root");
  mkdirSync(root);
  for (const { digest } of layers) {
    const file = join(work, "layer");
    const { body } = await get(`blobs/${digest}`);
    if (body !== null) await pipeline(Readable.fromWeb(body as never), createWriteStream(file));
    await addLayer(root, file);
    rmSync(file);
  }
  for (const name of LEFT_OUT) rmSync(join(root, name), { recursive: true, force: true });
  for (const name of OWN_FILES) rmSync(join(root, name), { force: true });
  for (const [from, to] of [
    ["usr/local", "local"],
    ["usr", "usr"],
  ] as const) {
    if (existsSync(join(root, from))) renameSync(join(root, from), join(work, to));
  }
  // Where the layers are mounted.
  mkdirSync(join(root, "usr"));
  mkdirSync(join(work, "usr/local"), { recursive: true });
  mkdirSync(join(work, "local"), { recursive: true });
}

/** Unpacks a layer's tar. An entry `.wh.NAME` in it removes NAME. */
async function addLayer(root: string, file: string): Promise<void> {
  const zipped = await isZipped(file);
  const words = zipped ? ["--gzip"] : [];
  const { stdout } = await run("tar", ["--list", ...words, "--file", file], { maxBuffer: 256 * 1024 * 1024 });
  for (const name of stdout.split("\n").filter((path) => basename(path).startsWith(".wh."))) takeAway(root, name);
  await run("tar", ["--extract", ...words, "--file", file, "--directory", root, "--exclude", ".wh.*", "--same-owner"]);
}

function takeAway(root: string, whiteout: string): void {
  const folder = join(root, dirname(whiteout));
  const name = basename(whiteout).slice(".wh.".length);
  const all = name === ".wh..opq" && lstatSync(folder, { throwIfNoEntry: false })?.isDirectory();
  for (const gone of all ? readdirSync(folder) : [name]) rmSync(join(folder, gone), { recursive: true, force: true });
}

async function isZipped(file: string): Promise<boolean> {
  for await (const chunk of createReadStream(file, { end: 1 }))
    return (chunk as Buffer).equals(Buffer.from([0x1f, 0x8b]));
  return false;
}
