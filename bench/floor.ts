import type { Ground } from "./ground.ts";
import type { Measured } from "./meter.ts";
import type { Line } from "./table.ts";

/** As many as a training run has, beside its stack. */
const RESOURCES = 12;

/** Row floor: what Pulumi takes for an empty program with as many resources as ours. */
export async function floors(ground: Ground, rounds: number): Promise<Line[]> {
  const found: Measured[][] = [];
  for (let round = 0; round < rounds; round++) {
    const pulumi = await ground.program("floor", { BENCH_RESOURCES: String(RESOURCES) });
    found.push([
      await pulumi("preview"),
      await pulumi("up", "--skip-preview"),
      await pulumi("up"),
      await pulumi("destroy"),
    ]);
  }
  const names = ["preview", "up --skip-preview", "up, nothing to do", "destroy"];
  const on = `an empty program, ${RESOURCES} resources`;
  return names.flatMap((name, place): Line[] => {
    const all = (figure: (measured: Measured) => number) =>
      found.flatMap((measured) => measured.slice(place, place + 1).map(figure));
    return [
      { row: "floor", what: `\`pulumi ${name}\``, on, unit: "s", ours: all(({ seconds }) => seconds) },
      { row: "floor", what: "processor time", on, unit: "s", ours: all(({ cpu }) => cpu) },
    ];
  });
}
