import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { broughtHome } from "../../components/checkpoints/bring.ts";
import { recordOf } from "../../components/checkpoints/store/record.ts";
import type { Event } from "../../components/events/event.ts";
import { lastRun } from "../fleet/runs.ts";

/** The log of a run's last machine, as it was copied home. */
export interface HomeLog {
  readonly file: string;
  /** Milliseconds since 1970. */
  readonly copiedAt: number;
}

/** The copy that was made last for the stack's last run; undefined = none is home, as far as the log of events knows. */
export function homeLogOf(events: readonly Event[], stack: string): HomeLog | undefined {
  const run = lastRun(events, stack);
  const own = events.filter((event) => run !== undefined && event.run === run);
  const last = own.findLast(({ instance, home }) => instance !== undefined && home !== undefined)?.instance;
  const homes = own.flatMap(({ instance, home }) => (instance === last && home !== undefined ? [home] : []));
  const copies = [...new Set(homes)].map(copyIn).filter((copy) => copy !== undefined);
  return copies.sort((one, other) => other.copiedAt - one.copiedAt)[0];
}

/** @param home the folder of checkpoints */
function copyIn(home: string): HomeLog | undefined {
  const folder = broughtHome(home);
  const record = recordOf(folder);
  const file = join(folder, record?.files.get(NAME)?.place ?? NAME);
  if (!existsSync(file)) return undefined;
  return { file, copiedAt: record === undefined ? statSync(file).mtimeMs : Date.parse(record.verifiedAt) };
}

const NAME = "train.log";

/** Shows the last lines. What was cut out of the middle reads as NULs, and is left out. */
export async function showEnd(
  { file }: Pick<HomeLog, "file">,
  lines: number | "all",
  show: (bytes: Buffer) => Promise<void>,
): Promise<void> {
  const from = lines === "all" ? "+1" : String(lines);
  const tail = spawn("tail", ["-n", from, "--", file], { stdio: ["ignore", "pipe", "inherit"] });
  const closed = once(tail, "close");
  for await (const chunk of tail.stdout as AsyncIterable<Buffer>)
    await show(chunk.filter((byte) => byte !== 0) as Buffer);
  await closed;
}
