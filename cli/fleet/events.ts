import type { Event } from "../../components/events/event.ts";
import { Events } from "../../components/events/events.ts";
import { openStateDir } from "../../components/lib/state-dir.ts";
import type { Terminal } from "../command/command.ts";

/** The log of events, for a command of `vast-run`. */
export function eventsOf({ env, note }: Pick<Terminal, "env" | "note">, command: string): Events {
  return new Events(openStateDir(env).eventsDir, { now: Date.now, say: note, program: `vast-run ${command}` });
}

/** What the log says, in order of time. Notes how many of its lines cannot be read. */
export function readLog(log: Events, { note }: Pick<Terminal, "note">): readonly Event[] {
  const { events, unreadable } = log.read();
  if (unreadable > 0) note(`${unreadable} lines of the log of events cannot be read, and are left out`);
  return events;
}
