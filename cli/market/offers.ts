import type { RunConfig } from "../../components/config/config.ts";
import { readConfig } from "../../components/config/config.ts";
import { checkImage } from "../../components/image/check-image.ts";
import { perHour } from "../../components/lib/money.ts";
import { absolute } from "../../components/lib/path.ts";
import { problemLine } from "../../components/lib/problem.ts";
import { openStateDir } from "../../components/lib/state-dir.ts";
import { sizeText } from "../../components/lib/text.ts";
import { knownContents } from "../../components/registry/access.ts";
import { registryNotes } from "../../components/registry/notes.ts";
import { openApi } from "../../components/vast/client/api.ts";
import { VastClient } from "../../components/vast/client/client.ts";
import { Ledger } from "../../components/vast/ledger/ledger.ts";
import { type Pull, pullOf, UNKNOWN_PULL } from "../../components/vast/ledger/pull.ts";
import { criteriaOf } from "../../components/vast/market/criteria.ts";
import { marketRows, type Seen } from "../../components/vast/market/offers.ts";
import { Prices } from "../../components/vast/market/prices.ts";
import { cachedPullText, minutesText, pullTimesOf } from "../../components/vast/market/quote.ts";
import { Searches } from "../../components/vast/market/quotes.ts";
import { columns, cut } from "../command/columns.ts";
import { type OptionValues, type Terminal, textOption } from "../command/command.ts";
import { exitCode, Failure } from "../command/failure.ts";
import { configTexts } from "../fleet/config.ts";

/** Runs `vast-run offers`. */
export async function showOffers(values: OptionValues, terminal: Terminal): Promise<number> {
  const { cwd, env } = terminal;
  const { config, problems } = readConfig(await configTexts(cwd, env, textOption(values, "stack")));
  if (problems.length > 0) throw new Failure(exitCode.usage, problems.map(problemLine).join("\n"));
  const whole = config as RunConfig;
  const api = openApi(whole, env);
  const dir = openStateDir(env);
  const places = { own: dir.ledgerDir, lab: whole.labDir === "" ? "" : absolute(whole.labDir, env) };
  const ledger = new Ledger(places, api.url, { now: Date.now, say: async (text) => terminal.note(text) });
  const pull = pullNow(whole, ledger, env);
  const options = { prices: new Prices(dir.pricesDir, api.url), shared: new Searches(dir), ledger, pull };
  const [seen, now] = await Promise.all([marketRows(new VastClient(api), criteriaOf(whole), options), pull]);
  const rows = seen.map((one) => rowOf(one, now));
  if (values.json) {
    terminal.out(JSON.stringify(rows, undefined, 2));
    return exitCode.ok;
  }
  show(rows, values.all === true, whole, terminal);
  if (now.hasBase) terminal.note(baseText(now, whole.cachedBase));
  return exitCode.ok;
}

/** What there is to pull; `hasBase` = the base was read. */
interface PullNow extends Pull {
  readonly hasBase: boolean;
}

/** Nothing is known of an image that is built first, or where its registry does not answer. */
async function pullNow(config: RunConfig, ledger: Ledger, env: NodeJS.ProcessEnv): Promise<PullNow> {
  const { found = null, cachedBase = "" } = (await checkImage(config, env)).value ?? {};
  if (found === null) return { ...UNKNOWN_PULL, hasBase: false };
  const pulled = { image: found.pinned, imageBytes: found.compressedBytes, cachedBase };
  const pull = pullOf(pulled, ledger.standings(), (digest) => knownContents(registryNotes(env), digest));
  return { ...pull, hasBase: cachedBase !== "" };
}

/** "14.1 of 15.0 GB of the image are layers of vastai/pytorch:x; …" */
function baseText({ bytes, besideBase }: Pull, base: string): string {
  if (bytes === null || besideBase === null)
    return `the image does not start with layers of ${base}, which saves nothing`;
  const [there, all] = [sizeText(bytes - besideBase), sizeText(bytes)];
  const unit = all.replace(/^\S+/, "");
  const some = there.endsWith(unit) ? there.slice(0, -unit.length) : there;
  return `${some} of ${all} of the image are layers of ${base}: PULL is without and with them on the host`;
}

type Row = ReturnType<typeof rowOf>;

/** An offer as shown to people and printed for scripts. */
function rowOf({ offer, choice, why }: Seen, pull: Pull) {
  const { id, machineId, gpu, gpus, location, reliability, downloadMbps } = offer;
  const { onDemand = null } = offer;
  return {
    ...{ offerId: id, machineId, gpu, gpus, location, reliability, downloadMbps },
    fits: choice !== undefined,
    passedOver: why,
    bidPerHour: choice?.bidPerHour ?? null,
    onDemandPerHour: choice?.onDemandPerHour ?? onDemand?.perHour ?? null,
    /** Whose price that is: of this machine now or earlier, or of others; null = it is the price itself. */
    onDemandOf: onDemand?.of ?? null,
    totalPerHour: choice?.totalPerHour ?? null,
    ...pullTimesOf(offer, pull),
  };
}

/** Number of rejected offers shown, unless all are asked for. */
const FEW = 10;
const HEAD = ["", "MACHINE", "BID", "ON DEMAND", "TOTAL", "PULL", "RELIABLE", "PLACE"];

function show(
  rows: readonly Row[],
  all: boolean,
  config: RunConfig,
  { out, note, columns: width = 80 }: Terminal,
): void {
  const fits = rows.filter((row) => row.fits);
  // One machine may have several offers that are passed over alike.
  const others = [...new Set(rows.filter((row) => !row.fits).map(passedOverText))];
  const what = `${config.gpus}x ${config.gpu || "any GPU"} (${config.rental}, up to ${perHour(config.maxPricePerHour)})`;
  if (fits.length > 0) note(what);
  if (rows.length === 0) note(`Nobody offers ${what} at the moment`);
  else if (fits.length === 0) note(`Nothing fits: ${what}`);
  else out(columns(HEAD, fits.map(cells), [0, 2, 3, 4, 5, 6]));
  if (others.length === 0) return;
  const shown = all ? others : others.slice(0, FEW);
  out("\nPassed over:");
  for (const line of shown) out(cut(`  ${line}`, width));
  if (shown.length < others.length) note(`${others.length - shown.length} more are passed over (--all lists them)`);
}

function passedOverText({ machineId, passedOver }: Row): string {
  return `machine ${machineId}: ${passedOver}`;
}

function cells(row: Row, at: number): string[] {
  const price = (value: number | null) => (value === null ? "-" : value.toFixed(3));
  const about = row.onDemandOf === null || row.onDemandOf === "machine" ? "" : "~";
  return [
    String(at + 1),
    String(row.machineId),
    price(row.bidPerHour),
    `${row.onDemandPerHour === null ? "" : about}${price(row.onDemandPerHour)}`,
    price(row.totalPerHour),
    pullCell(row),
    row.reliability === null ? "?" : row.reliability.toFixed(3),
    row.location ?? "?",
  ];
}

/** "4 min"; "4 min, 18 s" with a base that the host may have; "18 s" where the machine is known to have the rest. */
function pullCell({ pullMinutes, cachedPullMinutes, cachedPullOf }: Row): string {
  const cached = cachedPullMinutes === null ? [] : [cachedPullText(cachedPullMinutes)];
  if (pullMinutes === null) return "?";
  return [...(cachedPullOf === "machine" ? [] : [minutesText(pullMinutes)]), ...cached].join(", ");
}
