import { awaitFirstLine } from "./first-line.ts";
import type { Ground } from "./ground.ts";
import type { Measured } from "./meter.ts";
import { launchByScript } from "./scripts.ts";
import type { Line } from "./table.ts";

/** A bad day: its name, and the simulator's faults that make it. */
const BAD_DAYS: Readonly<Record<string, readonly object[]>> = {
  "offer gone": [{ on: "PUT /asks/{id}/", do: "offerTaken400" }],
  "dead host": [{ on: "boot", do: "hostOffline" }],
  "stuck pull": [{ on: "boot", do: "stuckLoading" }],
  "dead proxy, ports late": [
    { on: "boot", do: "proxyDead" },
    { on: "boot", do: "portsLate", seconds: 8 },
  ],
};

/** Minutes for one machine, and in all; the default is 30/60. A pull has some minutes more in any case. */
const READY_TIMEOUT = "1/20";
/** After so many seconds nobody waits for the scripts any longer, which wait for ever. */
const PATIENCE = 60;
/** What `timeout` ends with. */
const TIMED_OUT = 124;

interface Day {
  /** Seconds to training's first line; undefined = it never came. */
  readonly firstLine: number | undefined;
  /** Billed by then, or by the end of the wait. */
  readonly dollars: number;
  /** How it ended without a training. */
  readonly end: string;
}

/** Row trouble: seconds and dollars to a running training on bad days. */
export async function troubles(ground: Ground, rounds: number): Promise<Line[]> {
  const lines: Line[] = [];
  for (const [name, faults] of Object.entries(BAD_DAYS)) {
    const [ours, theirs]: [Day[], Day[]] = [[], []];
    for (let round = 0; round < rounds; round++) {
      ours.push(
        await day(ground, faults, () =>
          ground.pulumi("up", ["--skip-preview", "-c", `readyTimeoutMinutes=${READY_TIMEOUT}`]),
        ),
      );
      await ground.discard();
      theirs.push(await day(ground, faults, () => launchByScript(ground, PATIENCE)));
      await destroyAll(ground);
    }
    const row = { row: "trouble", on: `${name}, ${ground.profile.name}`, against: "scripts" };
    const seconds = (days: readonly Day[]) => days.flatMap(({ firstLine }) => firstLine ?? []);
    const billed = (days: readonly Day[]) => days.flatMap((one) => (one.firstLine === undefined ? [] : one.dollars));
    lines.push(
      {
        ...row,
        what: "the command to training's first line",
        unit: "s",
        ours: seconds(ours),
        theirs: seconds(theirs),
        note: [endOf("ours", ours), endOf("theirs", theirs)].filter(Boolean).join("; "),
      },
      {
        ...row,
        what: "billed by then",
        unit: "$",
        ours: billed(ours),
        theirs: billed(theirs),
      },
    );
  }
  return lines;
}

/** How a day ended that had no training; "" when all had one. */
function endOf(whose: string, days: readonly Day[]): string {
  const bad = days.find(({ firstLine }) => firstLine === undefined);
  return bad === undefined ? "" : `${whose}: ${bad.end}`;
}

async function day(ground: Ground, faults: readonly object[], launch: () => Promise<Measured>): Promise<Day> {
  const { simulator } = ground;
  const before = (await simulator.ledger()).total;
  await simulator.post("/_sim/faults", faults);
  const { firstLine, value } = await awaitFirstLine(ground, launch);
  await clearFaults(ground);
  const { total, living, ratePerHour } = await simulator.ledger();
  const how = value.result.code === TIMED_OUT ? "it still waits" : `it ends with ${value.result.code}`;
  const left = living === 0 ? "nothing bills" : `$${ratePerHour.toFixed(3)}/h is billed until somebody looks`;
  return { firstLine, dollars: total - before, end: `after ${value.seconds.toFixed(0)} s ${how}, and ${left}` };
}

async function clearFaults({ simulator }: Ground): Promise<void> {
  await fetch(`${simulator.url}/_sim/faults`, { method: "DELETE" });
}

async function destroyAll(ground: Ground): Promise<void> {
  const { contracts } = await ground.simulator.ledger();
  for (const { id } of contracts.filter(({ destroyedAt }) => destroyedAt === null))
    await ground.simulator.post(`/_sim/instances/${id}/vanish`, {});
}
