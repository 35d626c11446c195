import { ahead, type Bill, billOf, type RentalBill } from "../../components/events/bill.ts";
import type { Event } from "../../components/events/event.ts";
import { durationText, oneLine } from "../../components/lib/text.ts";
import { type ApiTarget, openApi, targetIn } from "../../components/vast/client/api.ts";
import { VastClient } from "../../components/vast/client/client.ts";
import type { Charge } from "../../components/vast/client/wire.ts";
import { columns } from "../command/columns.ts";
import { type OptionValues, type Terminal, textOption } from "../command/command.ts";
import { exitCode, Failure } from "../command/failure.ts";
import { eventsOf, readLog } from "../fleet/events.ts";
import { chosenStack, lastRun } from "../fleet/runs.ts";
import { readStack, resourceOf } from "../fleet/stack.ts";

/** Charges by Vast, or why they are not known. */
type Charged = { readonly charges: readonly Charge[] } | { readonly why: string };

/** Runs `vast-run cost`. */
export async function showCost(values: OptionValues, terminal: Terminal): Promise<number> {
  const hours = hoursIn(textOption(values, "hours"));
  const events = readLog(eventsOf(terminal, "cost"), terminal);
  const stack = await chosenStack(values, terminal, events);
  const run = lastRun(events, stack);
  const found = run === undefined ? await withoutLog(stack, terminal) : await byLog(run, events, terminal);
  const shown = { stack, ...found, ahead: { hours, dollars: ahead(found, hours) } };
  if (values.json) terminal.out(JSON.stringify(shown, undefined, 2));
  else print(shown, terminal);
  return exitCode.ok;
}

function hoursIn(text = "24"): number {
  const hours = Number(text);
  if (hours > 0 && hours < 100_000) return hours;
  throw new Failure(exitCode.usage, `--hours takes a number of hours, not ${JSON.stringify(text.slice(0, 20))}`);
}

interface Found extends Pick<Bill, "total" | "perHour" | "isLeast"> {
  readonly run: string | null;
  readonly machines: readonly (RentalBill & { readonly charged: number | null })[];
  /** Older machines, of which only the total is still known. */
  readonly earlier: { readonly machines: number; readonly dollars: number };
  /** Charged by Vast for all machines; null = Vast could not be asked. */
  readonly charged: number | null;
  /** Why Vast could not be asked; "" = it was asked. */
  readonly why: string;
}

async function byLog(run: string, events: readonly Event[], terminal: Terminal): Promise<Found> {
  const own = events.filter((event) => event.run === run);
  const bill = billOf(own, Date.now());
  const api = own.findLast((event) => event.api !== undefined)?.api;
  const since = Math.min(...own.map((event) => event.since ?? event.at));
  const charged = await ask(api, since, terminal);
  const all = "charges" in charged ? charged.charges : [];
  const ids = new Set(bill.rentals.map(({ instance }) => instance));
  const ofRun = all.filter(({ instance, label }) => label === run || ids.has(instance ?? 0));
  const chargedFor = (id: number) => sumOf(ofRun.filter(({ instance }) => instance === id));
  return {
    run,
    machines: bill.rentals.map((rental) => ({ ...rental, charged: chargedFor(rental.instance) })),
    earlier: { machines: bill.earlier, dollars: bill.earlierDollars },
    // Vast's charges may be late, but never exceed what was used.
    total: Math.max(bill.total, sumOf(ofRun) ?? 0),
    perHour: bill.perHour,
    isLeast: bill.isLeast,
    charged: sumOf(ofRun),
    why: "why" in charged ? charged.why : "",
  };
}

/** The stack was rented from another computer, or the log is lost. */
async function withoutLog(stack: string, terminal: Terminal): Promise<Found> {
  const state = await readStack(terminal.cwd, terminal.env, stack);
  const { outputs: identity = {} } = resourceOf(state, "identity") ?? {};
  const { outputs: instance = {} } = resourceOf(state, "instance") ?? {};
  const label = identity.label ?? instance.label;
  if (typeof label !== "string") throw new Failure(exitCode.noInstance, `Stack ${stack} has rented nothing yet`);
  const perHour = typeof instance.pricePerHour === "number" && instance.phase === "ready" ? instance.pricePerHour : 0;
  const startedAt = Date.parse(String(instance.startedAt ?? ""));
  const least = Number.isNaN(startedAt) ? 0 : (perHour * Math.max(Date.now() - startedAt, 0)) / 3_600_000;
  const charged = await ask(targetIn(identity.apiUrl === undefined ? instance : identity), 0, terminal);
  const sum = "charges" in charged ? sumOf(charged.charges.filter((one) => one.label === label)) : null;
  return {
    ...{ run: label, machines: [], earlier: { machines: 0, dollars: 0 }, perHour, charged: sum },
    total: Math.max(least, sum ?? 0),
    isLeast: sum === null || least > sum,
    why: "why" in charged ? charged.why : "",
  };
}

/** null = no charges yet. */
function sumOf(charges: readonly Charge[]): number | null {
  return charges.length === 0 ? null : charges.reduce((sum, { dollars }) => sum + dollars, 0);
}

async function ask(api: ApiTarget | undefined, since: number, { env }: Terminal): Promise<Charged> {
  if (api === undefined) return { why: "the log does not say at which API it was rented" };
  try {
    return { charges: await new VastClient(openApi(api, env)).charges(since) };
  } catch (error) {
    return { why: (error as Error).message };
  }
}

const HEAD = ["MACHINE", "GPU", "LIVED", "BOOT", "RUN", "STOP", "NET", "TOTAL", "VAST"];
/** Width of all columns except the GPU's, with some room. */
const OTHER_COLUMNS = 69;
const LEAST_GPU = 8;

function print(shown: Found & { stack: string; ahead: { hours: number; dollars: number } }, terminal: Terminal): void {
  const width = Math.max((terminal.columns ?? 80) - OTHER_COLUMNS, LEAST_GPU);
  const { machines, earlier, total, perHour, isLeast, charged, why } = shown;
  if (machines.length > 0)
    terminal.out(
      columns(
        HEAD,
        machines.map((machine) => cells(machine, width)),
        [2, 3, 4, 5, 6, 7, 8],
      ),
    );
  if (earlier.machines > 0) terminal.out(`${earlier.machines} machines before these: ${money(earlier.dollars)}`);
  const says = charged === null ? "" : ` (Vast has charged ${money(charged)} by now)`;
  terminal.out(`So far: ${isLeast ? "at least" : "about"} ${money(total)}${says}`);
  terminal.out(`Now: ${perHour === 0 ? "nothing" : `$${perHour.toFixed(3)}/h`}`);
  if (perHour > 0) terminal.out(`${shown.ahead.hours} h more: ${money(total + shown.ahead.dollars)} in all`);
  if (why !== "") terminal.note(`Vast's own charges cannot be asked: ${why}`);
}

function cells(machine: Found["machines"][number], width: number): string[] {
  const { instance, gpu, from, to, coming, running, stopped, traffic, total, charged } = machine;
  const lived = durationText(Math.max((to ?? Date.now()) - from, 0) / 1000);
  const sums = [coming, running, stopped, traffic, total].map((dollars) => dollars.toFixed(2));
  return [String(instance), oneLine(gpu, width) || "?", lived, ...sums, charged === null ? "?" : charged.toFixed(2)];
}

function money(dollars: number): string {
  return `$${dollars.toFixed(2)}`;
}
