import type { Ground } from "./ground.ts";
import type { Measured } from "./meter.ts";
import type { Line } from "./table.ts";

/** Row preview: our dry run, and the client's search of the same market. */
export async function previews(ground: Ground, rounds: number): Promise<Line[]> {
  const [ours, theirs]: [Measured[], Measured[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    ours.push(await ground.pulumi("preview"));
    theirs.push(await ground.search());
  }
  const row = { row: "preview", on: ground.profile.name, against: "`vastai search offers`" };
  const line = (what: string, unit: Line["unit"], figure: (measured: Measured) => number): Line => ({
    ...row,
    what,
    unit,
    ours: ours.map(figure),
    theirs: theirs.map(figure),
  });
  return [
    line("`pulumi preview` of a new stack", "s", ({ seconds }) => seconds),
    line("processor time", "s", ({ cpu }) => cpu),
    line("peak of private memory", "MB", ({ memory }) => memory),
  ];
}
