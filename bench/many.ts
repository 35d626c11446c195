import type { ApiCall, Ground } from "./ground.ts";
import type { Measured } from "./meter.ts";
import { platformSeconds } from "./profile.ts";
import type { Line } from "./table.ts";

/** Vast takes one rental in so many seconds. */
const RENTAL_GATE = 4.5;

interface Crowd {
  readonly up: Measured;
  readonly calls: readonly ApiCall[];
  readonly destroy: Measured;
}

/** Row many: so many machines in one program. */
export async function crowds(ground: Ground, rounds: number, count: number): Promise<Line[]> {
  const found: Crowd[] = [];
  for (let round = 0; round < rounds; round++) found.push(await crowd(ground, count));
  const all = (figure: (crowd: Crowd) => number) => found.map(figure);
  const gate = platformSeconds(ground.profile) + (count - 1) * RENTAL_GATE;
  const row = { row: "many", on: `${count} machines, ${ground.profile.name}` };
  const refused = (crowd: Crowd) => crowd.calls.filter(({ status }) => status === 429).length;
  return [
    {
      ...row,
      what: "`pulumi up`",
      unit: "s",
      ours: all(({ up }) => up.seconds),
      note: `Vast's gate of ${RENTAL_GATE} s between rentals and the boot take ${gate.toFixed(0)} s of it`,
    },
    { ...row, what: "processor time of it", unit: "s", ours: all(({ up }) => up.cpu) },
    { ...row, what: "peak of the provider's memory", unit: "MB", ours: all(({ up }) => providerMemory(up)) },
    { ...row, what: "calls of the API", unit: "calls", ours: all(({ calls }) => calls.length) },
    { ...row, what: "of them answered 429", unit: "calls", ours: all(refused) },
    { ...row, what: "`pulumi destroy`", unit: "s", ours: all(({ destroy }) => destroy.seconds) },
  ];
}

async function crowd(ground: Ground, count: number): Promise<Crowd> {
  const pulumi = await ground.program("many", { BENCH_MACHINES: String(count) });
  const { value: up, calls } = await ground.calls(() => pulumi("up", "--skip-preview"));
  return { up, calls, destroy: await pulumi("destroy", "--skip-preview") };
}

/** Of the process in which our resources live. */
function providerMemory({ processes }: Measured): number {
  return Math.max(...processes.filter(({ command }) => /dynamic-provider/.test(command)).map(({ memory }) => memory));
}
