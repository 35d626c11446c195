import { awaitFirstLine } from "./first-line.ts";
import type { ApiCall, Ground } from "./ground.ts";
import type { Measured } from "./meter.ts";
import { platformSeconds } from "./profile.ts";
import { destroyByScript, launchByScript } from "./scripts.ts";
import type { Line } from "./table.ts";

interface Launch extends Measured {
  readonly firstLine: number;
  readonly calls: readonly ApiCall[];
}

/** A machine's life, ours and the scripts', once. */
interface Life {
  readonly up: Launch;
  readonly nothing: Measured;
  readonly search: Measured;
  readonly destroy: Measured;
  /** From the gate's last word to the arrival of DELETE, seconds. */
  readonly release: number;
  readonly scripts: { readonly launch: Launch; readonly destroy: Measured };
}

/** Rows up, nothing and destroy. */
export async function lives(ground: Ground, rounds: number): Promise<Line[]> {
  const found: Life[] = [];
  for (let round = 0; round < rounds; round++) found.push(await live(ground));
  const all = <T>(figure: (life: Life) => T) => found.map(figure);
  const on = ground.profile.name;
  const platform = platformSeconds(ground.profile);
  const scripts = "scripts, a look every 2 s";
  const up = { row: "up", on, against: scripts };
  const nothing = { row: "nothing", on, against: "`vastai search offers`" };
  const destroy = { row: "destroy", on };
  return [
    {
      ...up,
      what: "the command to training's first line on the machine",
      unit: "s",
      ours: all((life) => life.up.firstLine),
      theirs: all((life) => life.scripts.launch.firstLine),
    },
    {
      ...up,
      what: `the same above the platform's ${platform.toFixed(1)} s`,
      unit: "s",
      ours: all((life) => life.up.firstLine - platform),
      theirs: all((life) => life.scripts.launch.firstLine - platform),
    },
    {
      ...up,
      what: "until the command ends",
      unit: "s",
      ours: all((life) => life.up.seconds),
      theirs: all((life) => life.scripts.launch.seconds),
    },
    {
      ...up,
      what: "processor time",
      unit: "s",
      ours: all((life) => life.up.cpu),
      theirs: all((life) => life.scripts.launch.cpu),
    },
    {
      ...up,
      what: "peak of private memory",
      unit: "MB",
      ours: all((life) => life.up.memory),
      theirs: all((life) => life.scripts.launch.memory),
    },
    {
      ...up,
      what: "calls of the API",
      unit: "calls",
      ours: all((life) => life.up.calls.length),
      theirs: all((life) => life.scripts.launch.calls.length),
    },
    {
      ...nothing,
      what: "`pulumi up` with nothing to do, its preview included",
      unit: "s",
      ours: all((life) => life.nothing.seconds),
      theirs: all((life) => life.search.seconds),
    },
    {
      ...nothing,
      what: "its processor time",
      unit: "s",
      ours: all((life) => life.nothing.cpu),
      theirs: all((life) => life.search.cpu),
    },
    {
      ...destroy,
      what: "in all, training over and nothing new to fetch",
      unit: "s",
      ours: all((life) => life.destroy.seconds),
      against: "rsync and `vastai destroy`, nothing verified or waited for",
      theirs: all((life) => life.scripts.destroy.seconds),
    },
    { ...destroy, what: "from the gate's end to DELETE", unit: "s", ours: all((life) => life.release) },
    {
      ...destroy,
      what: "processor time",
      unit: "s",
      ours: all((life) => life.destroy.cpu),
      against: "the same",
      theirs: all((life) => life.scripts.destroy.cpu),
    },
  ];
}

async function live(ground: Ground): Promise<Life> {
  const up = await launched(ground, () => ground.pulumi("up", ["--skip-preview"]));
  const search = await ground.search();
  const nothing = await ground.pulumi("up");
  await ground.endTraining();
  await ground.vastRun("sync");
  const { measured: destroy, release } = await destroyed(ground);
  const launch = await launched(ground, () => launchByScript(ground));
  if (launch.result.code !== 0) throw new Error(`${launch.result.stdout}\n${launch.result.stderr}`);
  return { up, nothing, search, destroy, release, scripts: { launch, destroy: await destroyByScript(ground, launch) } };
}

async function launched<T extends Measured>(ground: Ground, action: () => Promise<T>): Promise<T & Launch> {
  const { value, calls } = await ground.calls(() => awaitFirstLine(ground, action));
  const { value: measured, firstLine = Number.NaN } = value;
  return { ...measured, firstLine, calls };
}

async function destroyed(ground: Ground): Promise<{ measured: Measured; release: number }> {
  let gateEnded = Number.NaN;
  const onLine = (line: string) => {
    if (/Checkpoints run-checkpoints deleted/.test(line)) gateEnded = Date.now();
  };
  const { value: measured, calls } = await ground.calls(() => ground.pulumi("destroy", [], onLine));
  const deleted = calls.find(({ endpoint }) => endpoint === "DELETE /instances/{id}/")?.at ?? Number.NaN;
  return { measured, release: (deleted - gateEnded) / 1000 };
}
