import { sizeText } from "../lib/text.ts";
import { type Bring, USUAL_GLOBS } from "../remote/bring.ts";
import { broughtScript, WORKSPACE } from "../remote/scripts.ts";
import { remoteError } from "../ssh/remote-error.ts";
import { runScript } from "../ssh/run-script.ts";
import { checkRoomFor, fetchInto, mismatch } from "./fetch.ts";
import { placeLinks, type RefusedLink } from "./links.ts";
import { type Listing, parseListing } from "./manifest.ts";
import { isSameFile, namesText, type PullRequest } from "./pull.ts";
import { differences } from "./settled.ts";
import { type Content, contentAt, pathOf } from "./store/files.ts";
import { bytesOf, homeAlready, type PullRecord } from "./store/record.ts";
import { makeFolder, type Store, withStore } from "./store/store.ts";

/** What is to come home beside checkpoints. `to` is the folder of checkpoints; `ended` means the same as in a pull. */
export interface BringRequest extends PullRequest {
  readonly bring: Bring;
  /** On the machine; default /workspace. */
  readonly workspace?: string;
}

/** What is at home now beside checkpoints. Every file was compared by sha256 or is named in `said`. */
export interface Brought {
  readonly files: number;
  readonly bytes: number;
  /** The folder here. */
  readonly home: string;
  /** What people should know, a sentence each. */
  readonly said: readonly string[];
}

/** A folder beside that of checkpoints, so that its names cannot collide with theirs. */
export function broughtHome(to: string): string {
  return `${to}.brought`;
}

/** Is everything that this order names at home already? Like `homeAlready` of checkpoints. */
export async function broughtAlready(to: string, training: string | undefined, bring: Bring): Promise<boolean> {
  return training !== undefined && (await homeAlready(broughtHome(to), orderMark(training, bring))) !== undefined;
}

/** A mark for one order: that its files are home says nothing of another order's. */
function orderMark(training: string, { name, globs, maxMb }: Bring): string {
  return `${training} bringing ${JSON.stringify([name, globs, maxMb])}`;
}

/** Throws `disk_full` when what is not yet at home would not fit there. Changes nothing on the machine. */
export async function checkRoomToBring(request: BringRequest): Promise<void> {
  const home = broughtHome(request.to);
  makeFolder(home);
  const { files } = await list(request, false);
  checkRoomFor(home, files);
}

/**
 * Brings home what the order names: training's log, the logs of its earlier starts, and what matches its globs. A file
 * that is still being written comes as it is at that moment; without `live`, such files are looked for and reported.
 * Throws RemoteError when something that is there could not be brought.
 */
export async function bringAlong(request: BringRequest): Promise<Brought> {
  const { to, what = "a pull", keepPrevious = 1, progress = () => {}, signal } = request;
  const options = { what, keepPrevious, onWait: progress, signal, mayShrink: true };
  return withStore(broughtHome(to), options, (store) => fetchAll(request, store));
}

/** How many rounds in all to try a file that differs after a copy or has changed since. */
const ROUNDS = 3;

async function fetchAll(request: BringRequest, store: Store): Promise<Brought> {
  const { workspace: from = WORKSPACE, live = false, bring, pace, signal, progress = () => {} } = request;
  const ended = (await request.ended) ?? null;
  const seen = new Set<string>();
  let listing: Listing;
  let written: string[] = [];
  let asTheyCame: ReadonlyMap<string, Content> = new Map();
  for (let round = 1; ; round++) {
    listing = await list(request, true);
    const { files } = listing;
    for (const name of files.keys()) seen.add(name);
    const how = { from, files, checksum: round > 1, growing: true, pace, signal, progress };
    const { wrong } = await fetchInto(store, request, how);
    store.renew();
    placeLinks(store.home, listing.links);
    if (wrong.length === 0 && live) break;
    const later = await list(request, wrong.length > 0);
    const moved = differences(files, later.files);
    if (wrong.length === 0 && moved.length === 0) break;
    if (round < ROUNDS) continue;
    const damaged = wrong.filter((name) => isSameFile(files.get(name), later.files.get(name)));
    if (damaged.length > 0) throw mismatch(namesText(damaged), ROUNDS);
    asTheyCame = await takeAsTheyCame(store, wrong);
    written = [...new Set([...moved, ...wrong])].filter((name) => later.files.has(name));
    break;
  }
  const home: ReadonlyMap<string, Content> = new Map([...listing.files, ...asTheyCame]);
  const lost = [...seen].filter((name) => !store.has(name));
  store.mark(seen, new Set(lost));
  const [lie] = listing.lies;
  if (lie !== undefined) throw remoteError("failed", `the machine's list of what to bring holds what cannot be`);
  store.finish(home, endedBy(ended, bring, written));
  const came = new Map([...home].filter(([name]) => store.has(name)));
  const said = [...writtenText(written), ...lostText(lost), ...store.beside, ...refusedTexts(listing.refused, bring)];
  return { files: came.size, bytes: bytesOf(came), home: store.home, said };
}

function endedBy(ended: string | null, bring: Bring, written: readonly string[]): PullRecord["ended"] {
  return ended === null || written.length > 0 ? null : orderMark(ended, bring);
}

/** Accepts files as the machine sent them, though no manifest confirms them. */
async function takeAsTheyCame(store: Store, names: readonly string[]): Promise<ReadonlyMap<string, Content>> {
  const contents = new Map<string, Content>();
  for (const name of names) {
    const content = await contentAt(pathOf(store.incoming, name));
    if (content !== undefined) contents.set(name, content);
  }
  await store.take(contents, [...contents.keys()], () => {});
  return contents;
}

async function list(request: BringRequest, hashes: boolean): Promise<Listing> {
  const { bring, from, workspace = WORKSPACE, signal, progress = () => {} } = request;
  progress("listing what else comes home");
  return parseListing(await runScript(request, broughtScript(bring, from, hashes, { workspace }), signal));
}

function writtenText(names: readonly string[]): string[] {
  if (names.length === 0) return [];
  return [
    `${namesText(names)}: somebody on the machine still writes there, so what is home is how it was a moment ago`,
  ];
}

function lostText(names: readonly string[]): string[] {
  return names.length === 0 ? [] : [`${namesText(names)}: deleted on the machine before it could be fetched`];
}

const NOT_BROUGHT: Readonly<Record<string, string>> = {
  outside: "leads out of the workspace",
  secret: "may hold credentials",
  link: "is a link to what bring does not name",
};

/** A sentence for each reason, and one for each glob of the user's own that has matched nothing. */
function refusedTexts(refused: readonly RefusedLink[], { maxMb }: Bring): string[] {
  const byWhy = Map.groupBy(refused, ({ why }) => why);
  const namesOf = (why: string) => [...new Set((byWhy.get(why) ?? []).map(({ name }) => name))];
  const texts = Object.entries(NOT_BROUGHT).map(([why, text]) => [namesOf(why), text] as const);
  const plain = texts
    .filter(([names]) => names.length > 0)
    .map(([names, text]) => `not brought: ${namesText(names)}, which ${text}`);
  const none = (byWhy.get("nothing") ?? []).map(({ end }) => Buffer.from(end, "latin1").toString("utf8"));
  const own = none
    .filter((glob) => !USUAL_GLOBS.includes(glob))
    .map((glob) => `nothing on the machine matches ${glob}, which bring names`);
  return [...largeText(byWhy.get("large") ?? [], maxMb), ...plain, ...own];
}

function largeText(large: readonly RefusedLink[], maxMb: number): string[] {
  const sizes = new Map(large.map(({ name, end }) => [name, Number(end)]));
  if (sizes.size === 0) return [];
  const bytes = sizeText([...sizes.values()].reduce((sum, size) => sum + size, 0));
  const files = sizes.size === 1 ? "1 file" : `${sizes.size} files`;
  return [
    `NOT BROUGHT: ${files}, ${bytes}, because bringMaxMb is ${maxMb}; set it higher, and pulumi up notes that: ${namesText([...sizes.keys()])}`,
  ];
}
