import { setTimeout as sleep } from "node:timers/promises";
import type { Event } from "../../components/events/event.ts";
import { openStateDir } from "../../components/lib/state-dir.ts";
import type { OptionValues, Terminal } from "../command/command.ts";
import { exitCode, Failure } from "../command/failure.ts";
import type { Asker } from "../facts/ask.ts";
import type { Facts } from "../facts/facts.ts";
import { knownOf } from "../facts/known.ts";
import { keepSeen } from "../facts/seen.ts";
import { eventsOf, readLog } from "../fleet/events.ts";
import { chosenStack, stacksIn } from "../fleet/runs.ts";
import { linesOf } from "./lines.ts";
import { type Status, statusOf } from "./status.ts";
import { allLines } from "./table.ts";

/** Milliseconds between the end of a round and the next one. */
const ROUND_MS = 10_000;
/** How often ages and costs are painted anew. */
const TICK_MS = 1000;

/** Runs `vast-run status`. */
export async function showStatus(values: OptionValues, terminal: Terminal): Promise<number> {
  const paint = values.json === true ? undefined : terminal.paint;
  if (values.watch === true && paint === undefined)
    throw new Failure(
      exitCode.usage,
      "--watch paints on a terminal, and without --json; elsewhere run vast-run status again and again",
    );
  const screen = values.all === true ? await ofAll(terminal) : await ofOne(values, terminal);
  const show = () => paint?.(screen.lines(Date.now(), terminal.columns ?? 80));
  if (values.watch === true) return watch(screen, show);
  show();
  await screen.ask(show, new AbortController().signal);
  show();
  if (values.json === true) terminal.out(JSON.stringify(screen.json(Date.now()), undefined, 2));
  else if (paint === undefined) terminal.out(screen.lines(Date.now(), terminal.columns ?? 80).join("\n"));
  return exitCode.ok;
}

/** What is shown, and how it is learned. */
interface Screen {
  lines(now: number, width: number): string[];
  json(now: number): Status | Status[];
  /** Asks once for everything that is not fresh; `show` is called when there is something new. */
  ask(show: () => void, signal: AbortSignal): Promise<void>;
}

/** Goes on until ^C, which ends the process: nothing that is under way is worth waiting for. */
async function watch(screen: Screen, show: () => void): Promise<never> {
  const stop = new AbortController();
  process.once("SIGINT", () => {
    stop.abort(); // ends what it has started
    process.exit(exitCode.ok);
  });
  show(); // only now, because whoever sees it may type ^C
  setInterval(show, TICK_MS);
  for (;;) {
    await screen.ask(show, stop.signal);
    await sleep(ROUND_MS);
  }
}

async function ofOne(values: OptionValues, terminal: Terminal): Promise<Screen> {
  const log = eventsOf(terminal, "status");
  const { seenDir } = openStateDir(terminal.env);
  const first = readLog(log, terminal);
  const stack = await chosenStack(values, terminal, first);
  let facts = knownOf(stack, first, seenDir, terminal);
  let asker: Asker | undefined;
  const learn = (news: Partial<Facts>) => {
    // What Vast has said may have been noted.
    const { run, events, renting } = knownOf(stack, log.read().events, seenDir, terminal);
    facts = { ...facts, run, events, renting, ...news };
  };
  return {
    lines: (now, width) => linesOf(statusOf(facts, now), now, width),
    json: (now) => statusOf(facts, now),
    ask: async (show, signal) => {
      asker ??= new (await import("../facts/ask.ts")).Asker(stack, terminal, log);
      await asker.round(
        facts,
        (key, answer) => {
          learn({ [key]: answer });
          show();
        },
        signal,
      );
      if (facts.run !== null) keepSeen(seenDir, facts.run, facts);
    },
  };
}

async function ofAll(terminal: Terminal): Promise<Screen> {
  const log = eventsOf(terminal, "status");
  const { seenDir } = openStateDir(terminal.env);
  const known = (events: readonly Event[]) =>
    stacksIn(events).map((stack) => knownOf(stack, events, seenDir, terminal));
  let all: readonly Facts[] = known(readLog(log, terminal));
  const statuses = (now: number) => all.map((facts) => statusOf(facts, now));
  return {
    lines: (now, width) => allLines(statuses(now), now, width),
    json: statuses,
    ask: async (show, signal) => {
      const { askAll } = await import("../facts/ask-all.ts");
      const answers = await askAll(all, terminal, log, signal);
      // What Vast has said may have been noted.
      all = known(log.read().events).map((facts) => ({ ...facts, ...answers.get(facts.stack) }));
      show();
    },
  };
}
