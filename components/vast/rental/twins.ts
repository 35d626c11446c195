import { twinsIn } from "../client/instance-list.ts";
import type { Instance } from "../client/wire.ts";
import { twinText } from "../journal/trouble.ts";
import type { Means } from "../ready/means.ts";

/** What the twins are of: an instance, or a label under which nothing should live now. */
export interface Owner {
  /** As it was asked for; Vast may show another by now. */
  readonly label: string;
  readonly id?: number;
}

/**
 * Reports other living instances with exactly this label, a line each: Vast may have carried out a rental after we gave
 * up waiting, and it bills until somebody ends it. Releases nothing and throws nothing; a list that cannot be read is
 * reported.
 */
export async function tellTwins({ list, say }: Pick<Means, "list" | "say">, owner: Owner): Promise<void> {
  const rows = await list.look().catch(({ message }: Error) => message);
  if (typeof rows !== "string") return sayTwins(say, rows, owner);
  await say(`cannot tell now whether another instance carries the label ${owner.label}: ${rows}`);
}

/** Refresh and diff of one process look for the same twins. */
const told = new Set<string>();

/** The same from a list that was read already. Once a process: a command that refreshes comes here twice. */
export async function sayTwins(say: Means["say"], rows: readonly Instance[], { label, id }: Owner): Promise<void> {
  const texts = twinsIn(rows, label, id).map(twinText);
  for (const text of texts.filter((one) => !told.has(one))) {
    told.add(text);
    await say(text);
  }
}
