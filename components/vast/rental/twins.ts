import { twinsIn } from "../client/instance-list.ts";
import type { Instance } from "../client/wire.ts";
import { twinText } from "../journal/trouble.ts";
import type { Means } from "../ready/means.ts";

/** Whose twins: those of an instance, or what lives under a label under which nothing is to live now. */
export interface Owner {
  /** As it was asked for; Vast may show another by now. */
  readonly label: string;
  readonly id?: number;
}

/**
 * Looks for other living instances that carry exactly this label, and says each in one line: a rental that Vast carried out
 * when nobody waited for it any more bills until somebody ends it. Nothing is released, and nothing thrown: a list that
 * cannot be had is said.
 */
export async function tellTwins({ list, say }: Pick<Means, "list" | "say">, owner: Owner): Promise<void> {
  const rows = await list.look().catch(({ message }: Error) => message);
  if (typeof rows !== "string") return sayTwins(say, rows, owner);
  await say(`whether another instance carries the label ${owner.label} cannot be said now: ${rows}`);
}

/** Refresh and diff of one process look for the same twins. */
const told = new Set<string>();

/** The same by a list that is at hand. Once a process: a command that refreshes looks twice. */
export async function sayTwins(say: Means["say"], rows: readonly Instance[], { label, id }: Owner): Promise<void> {
  const texts = twinsIn(rows, label, id).map(twinText);
  for (const text of texts.filter((one) => !told.has(one))) {
    told.add(text);
    await say(text);
  }
}
