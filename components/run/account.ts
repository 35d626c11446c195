import * as pulumi from "@pulumi/pulumi";
import type { RunConfig } from "../config/config.ts";
import { perHour } from "../lib/money.ts";
import type { Problem } from "../lib/problem.ts";
import { attempt, type Check, failed, passed } from "../lib/problem.ts";
import { openStateDir } from "../lib/state-dir.ts";
import { openApi } from "../vast/client/api.ts";
import { VastClient } from "../vast/client/client.ts";
import { isPassing, isVastError, type VastError } from "../vast/client/errors.ts";
import { SearchQuota } from "../vast/limits/search-quota.ts";
import { criteriaIn } from "../vast/market/criteria.ts";
import { market } from "../vast/market/offers.ts";
import { Searches } from "../vast/market/quotes.ts";
import { realClock } from "../vast/ready/connect.ts";

/** Vast, reachable, and what the account can spend; null when Vast does not say. */
export interface Vast {
  readonly client: VastClient;
  readonly credit: number | null;
  /** Answers of the last minute; undefined = there is no place for them. */
  readonly shared?: Searches | undefined;
}

/**
 * Is there a key, does Vast accept it, and can the account pay one hour? That Vast does not answer is no problem of the
 * stack: a preview still works then, and says so.
 */
export async function checkAccount(config: Partial<RunConfig>, env: NodeJS.ProcessEnv): Promise<Check<Vast>> {
  const { apiUrl, apiKeyFile } = config;
  if (apiUrl === undefined || apiKeyFile === undefined) return { problems: [] };
  try {
    const api = openApi({ apiUrl, apiKeyFile }, env);
    const dir = attempt("VAST_TRAINING_HOME", () => openStateDir(env)).value;
    const client = new VastClient({ ...api, key: always(api.key()) }, { searches: new SearchQuota(dir, realClock) });
    const { credit } = await client.account();
    const vast = { client, credit, shared: dir && new Searches(dir) };
    const problem = await creditProblem(vast, config);
    return problem === undefined ? passed(vast) : failed(problem);
  } catch (error) {
    if (!isVastError(error)) throw error;
    if (!isPassing(error)) return failed(accessProblem(error));
    await pulumi.log.warn(`Vast cannot be asked now, so account and market are not checked: ${error.message}`);
    return { problems: [] };
  }
}

/** Reads the key at once, so that a missing one is found here. */
function always(key: string): () => string {
  return () => key;
}

function accessProblem(error: VastError): Problem {
  const [found = "", ...write] = error.message.split("; ");
  const remedy = write.join("; ");
  if (error.kind === "config") return { key: "apiUrl", found, write: remedy || "start it, or change apiUrl" };
  return { key: "apiKeyFile", found, write: remedy || "write a valid key to a file, and its path here" };
}

/** Only a credit below the cap can be below the quote, so the market is rarely asked for this. */
async function creditProblem(
  { client, credit, shared }: Vast,
  config: Partial<RunConfig>,
): Promise<Problem | undefined> {
  if (credit === null || credit >= (config.maxPricePerHour ?? 0)) return undefined;
  const criteria = criteriaIn(config);
  const found =
    criteria === undefined ? undefined : await market(client, criteria, { shared }).catch(undefinedWhenPassing);
  const [best] = found?.choices ?? [];
  if (best === undefined || credit >= best.totalPerHour) return undefined;
  return {
    key: "maxPricePerHour",
    found: `the account has $${credit.toFixed(2)}, less than one hour of the best offer (${perHour(best.totalPerHour)})`,
    write: "add credit at Vast, or take a cheaper machine",
  };
}

function undefinedWhenPassing(error: unknown): undefined {
  if (!isPassing(error)) throw error;
}

/** Says why no offer fits, when none does. */
export async function checkMarket({ client, shared }: Vast, config: Partial<RunConfig>): Promise<Check<undefined>> {
  const criteria = criteriaIn(config);
  if (criteria === undefined) return { problems: [] };
  try {
    const { choices, excluded, blame } = await market(client, criteria, { shared });
    if (choices.length > 0) return { problems: [] };
    return failed({ key: blame ?? "gpu", found: excluded, write: "ask for less, pay more, or wait" });
  } catch (error) {
    if (isVastError(error)) return { problems: [] };
    throw error;
  }
}
