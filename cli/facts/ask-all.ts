import type { Events } from "../../components/events/events.ts";
import { printable } from "../../components/lib/text.ts";
import type { ApiTarget } from "../../components/vast/client/api.ts";
import type { Instance } from "../../components/vast/client/wire.ts";
import type { Terminal } from "../command/command.ts";
import { clientUntil } from "./client.ts";
import type { Facts } from "./facts.ts";
import { rentalOf } from "./known.ts";

/** How long one account may take to list its machines, milliseconds. */
const BOUND_MS = 20_000;

/** Asks each account once for its machines. Answers with what it says of each stack that has one. Never throws. */
export async function askAll(
  all: readonly Facts[],
  { env }: Terminal,
  log: Events,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Pick<Facts, "instance">>> {
  const rentals = all.flatMap((facts) => {
    const rental = rentalOf(facts);
    return rental === undefined ? [] : [{ facts, ...rental }];
  });
  const accounts = Map.groupBy(rentals, ({ api }) => `${api.apiUrl}\n${api.apiKeyFile}`);
  const answers = [...accounts.values()].map(async (own) => {
    const listed = await list(own[0]?.api, env, AbortSignal.any([signal, AbortSignal.timeout(BOUND_MS)]));
    return own.map(({ id, facts }) => [facts.stack, { instance: answerOf(id, facts, listed, log) }] as const);
  });
  return new Map((await Promise.all(answers)).flat());
}

type Listed = { readonly at: number; readonly rows: readonly Instance[] } | { readonly why: string };

async function list(api: ApiTarget | undefined, env: NodeJS.ProcessEnv, until: AbortSignal): Promise<Listed> {
  try {
    const at = Date.now();
    return api === undefined ? { why: "" } : { at, rows: await clientUntil(until, api, env).instances() };
  } catch (error) {
    return { why: printable((error as Error).message) };
  }
}

function answerOf(id: number, { instance }: Facts, listed: Listed, log: Events): Facts["instance"] {
  if ("why" in listed) return { ...instance, why: listed.why };
  const row = listed.rows.find((one) => one.id === id);
  // To another account's key a machine that lives is not there either; the status of its stack looks closer.
  if (row === undefined) return { ...instance, why: `Vast does not list instance ${id} for this key` };
  log.noteSeen(id, row);
  return { at: listed.at, value: row };
}
