/** See HELP, and bench/README.md. */
import { execFileSync } from "node:child_process";
import { cpus, totalmem } from "node:os";
import { parseArgs } from "node:util";
import { projectDir } from "../scripts/lib/workspace.ts";
import { floors } from "./floor.ts";
import { type Ground, openGround } from "./ground.ts";
import { lives } from "./life.ts";
import { crowds } from "./many.ts";
import { previews } from "./preview.ts";
import { CROWDED, type Profile, QUICK, REAL, TENTH } from "./profile.ts";
import { syncs } from "./sync.ts";
import { type Line, table } from "./table.ts";
import { troubles } from "./trouble.ts";

const ROWS = ["preview", "up", "nothing", "destroy", "floor", "many", "sync", "trouble"] as const;
type Row = (typeof ROWS)[number];

const HELP = `npm run bench [-- ROW...] [-- OPTIONS]

Measures, and prints a table in markdown. Needs what npm test needs, python3 and jq. The rows, default all:
  preview   pulumi preview, against vastai search offers
  up        launch to the first training line, against bench/incumbent.sh
  nothing   pulumi up with nothing to do, against vastai search offers
  destroy   pulumi destroy with nothing new to fetch, against rsync and vastai destroy
  floor     an empty program with as many resources
  many      8, 32 and 100 machines in one program
  sync      vast-run sync, against bare rsync
  trouble   bad days, against bench/incumbent.sh (left out by --quick unless it is named)
Options:
  --rounds N   times that each is measured, in turn (default 5; 1 with --quick)
  --quick      in two minutes: one round, the quick profile, 2 machines, a twentieth of the bytes
`;

const OPTIONS = {
  rounds: { type: "string" },
  quick: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

const readOptions = () => parseArgs({ options: OPTIONS, allowPositionals: true });
type Options = ReturnType<typeof readOptions>["values"];

interface Wish {
  readonly rows: readonly Row[];
  readonly rounds: number;
  readonly isQuick: boolean;
  readonly crowds: readonly number[];
}

async function main(): Promise<void> {
  const { values, positionals } = readOptions();
  if (values.help) return void process.stdout.write(HELP);
  const wish = wishOf(values, positionals);
  const where = { ...circumstances(), rounds: wish.rounds };
  const lines: Line[] = [];
  for (const { profile, rows } of wish.isQuick ? [FIRST, CROWD] : PLACES)
    lines.push(...(await onGround(profile, { ...wish, rows: wish.rows.filter((row) => rows.includes(row)) })));
  process.stdout.write(table(lines, where));
}

function wishOf({ rounds, quick }: Options, words: readonly string[]): Wish {
  const unknown = words.filter((word) => !isRow(word));
  if (unknown.length > 0) throw new Error(`There is no row ${unknown.join(", ")}; there are ${ROWS.join(", ")}.`);
  const number = Number(rounds ?? (quick ? 1 : 5));
  if (!(Number.isInteger(number) && number > 0)) throw new Error("--rounds takes a whole number from 1.");
  const standard = ROWS.filter((row) => !quick || row !== "trouble");
  const crowds = quick ? [2] : [8, 32, 100];
  return { rows: words.length > 0 ? words.filter(isRow) : standard, rounds: number, isQuick: quick, crowds };
}

function isRow(word: string): word is Row {
  return (ROWS as readonly string[]).includes(word);
}

/** What depends on the platform's waits. */
const LIFE: readonly Row[] = ["preview", "up", "nothing", "destroy"];
/** Where rows are measured. */
interface Place {
  readonly profile: Profile;
  readonly rows: readonly Row[];
}
const FIRST: Place = { profile: QUICK, rows: [...LIFE, "floor", "trouble", "sync"] };
const CROWD: Place = { profile: CROWDED, rows: ["many"] };
const PLACES = [FIRST, { profile: TENTH, rows: LIFE }, { profile: REAL, rows: LIFE }, CROWD];

async function onGround(profile: Profile, { rows, rounds, isQuick, crowds: counts }: Wish): Promise<Line[]> {
  const has = (...names: Row[]) => names.some((name) => rows.includes(name));
  if (rows.length === 0) return [];
  return withGround(profile, async (ground) => {
    const lines: Line[] = [];
    const add = async (what: string, found: () => Promise<Line[]>) => {
      const began = Date.now();
      try {
        lines.push(...(await found()));
      } catch (error) {
        // The other rows took their time, and are printed all the same.
        process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
        process.exitCode = 1;
      }
      process.stderr.write(`${what}, ${profile.name}: ${Math.round((Date.now() - began) / 1000)} s\n`);
    };
    if (has("preview")) await add("preview", () => previews(ground, rounds));
    if (has("up", "nothing", "destroy"))
      await add("up, nothing, destroy", async () =>
        (await lives(ground, rounds)).filter(({ row }) => isRow(row) && has(row)),
      );
    if (has("floor")) await add("floor", () => floors(ground, rounds));
    if (has("many")) for (const count of counts) await add(`many ${count}`, () => crowds(ground, rounds, count));
    if (has("trouble")) await add("trouble", () => troubles(ground, rounds));
    if (has("sync")) await add("sync", () => syncs(ground, rounds, isQuick));
    return lines;
  });
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** However it ends, its machines and processes go with it. */
async function withGround<T>(profile: Profile, use: (ground: Ground) => Promise<T>): Promise<T> {
  const ground = await openGround(profile);
  const leave = () => void ground.close().finally(() => process.exit(130));
  for (const signal of SIGNALS) process.once(signal, leave);
  try {
    return await use(ground);
  } finally {
    for (const signal of SIGNALS) process.off(signal, leave);
    await ground.close();
  }
}

function circumstances() {
  const [processor, ...others] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  const git = (...words: string[]) => execFileSync("git", ["-C", projectDir, ...words], { encoding: "utf8" }).trim();
  const changed = git("status", "--porcelain") === "" ? "" : " with changes";
  return {
    machine: `${others.length + 1} x ${processor?.model.trim()}, ${memory} GB, Node ${process.versions.node}`,
    date: new Date().toISOString().slice(0, 10),
    commit: git("rev-parse", "--short", "HEAD") + changed,
    command: ["npm run bench", ...(process.argv.length > 2 ? ["--", ...process.argv.slice(2)] : [])].join(" "),
  };
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
