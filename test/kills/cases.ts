/** A point within a command: a call of the API is just about to take effect, or has, and is not answered yet. */
export interface Moment {
  /** "replace" = an up that wants another machine than there is. */
  readonly command: "up" | "replace" | "refresh" | "destroy";
  /** As the simulator names it. */
  readonly endpoint: string;
  /** Which call of this endpoint in this command, from 1. */
  readonly nth: number;
  /** A read has no effect, so all its moments are one. "lost" = the call dies with its process, and never takes effect. */
  readonly when: "before" | "after" | "lost" | "at";
}

/** How a command ends before its time. */
export type EndingName =
  | "kill -9 of the provider"
  | "kill -9 of the command"
  | "kill -9 of everything"
  | "SIGTERM"
  | "SIGTERM to everything"
  | "SIGHUP"
  | "closed terminal"
  | "one ctrl-c"
  | "two ctrl-c";

/** What is typed afterwards, and whether somebody waits for what outlives the command first. */
export interface Case {
  readonly name: string;
  readonly moment: Moment;
  readonly ending: EndingName;
  readonly then: readonly ("up" | "destroy")[];
  readonly atOnce: boolean;
}

const at = (command: Moment["command"], endpoint: string, nth: number, ...whens: Moment["when"][]): Moment[] =>
  (whens.length === 0 ? (["at"] as const) : whens).map((when) => ({ command, endpoint, nth, when }));

const LIST = "GET /api/v1/instances/";
const SINGLE = "GET /instances/{id}/";

/** Every call that a clean command makes. Looks at a machine that comes up go on, so the first stands for all. */
export const MOMENTS: readonly Moment[] = [
  ...at("up", "GET /users/current/", 1),
  ...at("up", "POST /bundles/", 1),
  ...at("up", "POST /bundles/", 2),
  ...at("up", "GET /ssh/", 1),
  ...at("up", "POST /ssh/", 1, "before", "after"),
  ...at("up", LIST, 1),
  ...at("up", "PUT /asks/{id}/", 1, "before", "after", "lost"),
  ...at("up", LIST, 2),
  ...at("replace", "DELETE /instances/{id}/", 1, "before", "after"),
  ...at("replace", "PUT /asks/{id}/", 1, "before", "after"),
  ...at("refresh", SINGLE, 1),
  ...at("refresh", LIST, 1),
  ...at("destroy", "DELETE /instances/{id}/", 1, "before", "after"),
  ...at("destroy", LIST, 1),
  ...at("destroy", SINGLE, 1),
  ...at("destroy", "GET /commands/schedule_job/", 1),
  ...at("up", "GET /users/current/", 2),
];

export const ENDINGS: readonly EndingName[] = [
  "kill -9 of the provider",
  "kill -9 of the command",
  "kill -9 of everything",
  "SIGTERM",
  "SIGTERM to everything",
  "SIGHUP",
  "closed terminal",
  "one ctrl-c",
  "two ctrl-c",
];

/** After these the provider lives on without an engine, for a while. */
export const LEAVES_PROVIDER: ReadonlySet<EndingName> = new Set([
  "kill -9 of the command",
  "SIGHUP",
  "closed terminal",
]);

/** All single kills. */
export function allCases(): Case[] {
  return MOMENTS.flatMap((moment, index) =>
    ENDINGS.flatMap((ending) =>
      [["up", "destroy"] as const, ["destroy"] as const].map((then) => {
        // Where somebody can be too quick, half of the cases are.
        const atOnce = LEAVES_PROVIDER.has(ending) && (index + then.length) % 2 === 0;
        return { name: nameOf(moment, ending, then, atOnce), moment, ending, then, atOnce };
      }),
    ),
  );
}

function nameOf(moment: Moment, ending: EndingName, then: readonly string[], atOnce: boolean): string {
  const { command, endpoint, nth, when } = moment;
  return `${command}, ${when} ${endpoint} #${nth}: ${ending}, then ${atOnce ? "at once " : ""}${then.join(" and ")}`;
}

/** Some of the cases, by a seed: of each command as many as asked for, and no ending twice while there are others. */
export function sampleOf(cases: readonly Case[], seed: number, counts: Record<Moment["command"], number>): Case[] {
  const random = randomBy(seed);
  const sample: Case[] = [];
  for (const command of Object.entries(counts).flatMap(([name, count]) => Array<string>(count).fill(name))) {
    const left = cases.filter((each) => each.moment.command === command && !sample.includes(each));
    const fresh = left.filter(({ ending }) => sample.every((other) => other.ending !== ending));
    const from = fresh.length > 0 ? fresh : left;
    sample.push(...from.slice(Math.floor(random() * from.length)).slice(0, 1));
  }
  return sample;
}

/** Mulberry32: the same seed gives the same numbers everywhere. */
function randomBy(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
