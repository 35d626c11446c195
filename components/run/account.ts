import * as pulumi from "@pulumi/pulumi";
import type { RunConfig } from "../config/config.ts";
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

/** Vast, reachable with the key. */
export interface Vast {
  readonly client: VastClient;
  /** Search answers of the last minute; undefined = none are kept. */
  readonly shared?: Searches | undefined;
}

/**
 * Is there a key, and does Vast accept it? When Vast does not answer that is no problem of the stack: a preview still
 * works, and says so. The instance checks the credit, because it knows whether anything will be rented.
 */
export async function checkAccount(config: Partial<RunConfig>, env: NodeJS.ProcessEnv): Promise<Check<Vast>> {
  const { apiUrl, apiKeyFile } = config;
  if (apiUrl === undefined || apiKeyFile === undefined) return { problems: [] };
  try {
    const api = openApi({ apiUrl, apiKeyFile }, env);
    const dir = attempt("VAST_TRAINING_HOME", () => openStateDir(env)).value;
    const client = new VastClient({ ...api, key: always(api.key()) }, { searches: new SearchQuota(dir, realClock) });
    await client.account();
    return passed({ client, shared: dir && new Searches(dir) });
  } catch (error) {
    if (!isVastError(error)) throw error;
    if (!isPassing(error)) return failed(accessProblem(error));
    await pulumi.log.warn(`Vast cannot be asked now, so account and market are not checked: ${error.message}`);
    return { problems: [] };
  }
}

/** Holds the key, which was read at once, so that a missing one is found here. */
function always(key: string): () => string {
  return () => key;
}

function accessProblem({ kind, found, remedy }: VastError): Problem {
  if (kind === "config") return { key: "apiUrl", found, write: remedy ?? "start it, or change apiUrl" };
  return { key: "apiKeyFile", found, write: remedy ?? "write a valid key to a file, and its path here" };
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
