import { Events } from "../../components/events/events.ts";
import { openStateDir } from "../../components/lib/state-dir.ts";
import type { Terminal } from "../command/command.ts";

/** The log of events, for a command of `vast-run`. */
export function eventsOf({ env, note }: Pick<Terminal, "env" | "note">, command: string): Events {
  return new Events(openStateDir(env).eventsDir, { now: Date.now, say: note, program: `vast-run ${command}` });
}
