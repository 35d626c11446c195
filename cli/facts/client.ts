import { openStateDir } from "../../components/lib/state-dir.ts";
import { type ApiTarget, openApi } from "../../components/vast/client/api.ts";
import { VastClient } from "../../components/vast/client/client.ts";
import { Gates, realSleep } from "../../components/vast/client/pacing.ts";
import { senderUntil } from "../../components/vast/client/transport.ts";
import { SearchQuota } from "../../components/vast/limits/search-quota.ts";
import { realClock } from "../../components/vast/ready/connect.ts";

/** A client that only looks: whatever it is doing ends with the signal, so that nobody waits for it. Throws as openApi. */
export function clientUntil(signal: AbortSignal, api: ApiTarget, env: NodeJS.ProcessEnv): VastClient {
  const sleep = (milliseconds: number, own?: AbortSignal) => realSleep(milliseconds, own ?? signal);
  return new VastClient(openApi(api, env), {
    transport: senderUntil(signal),
    gates: new Gates(Date.now, sleep),
    sleep,
    searches: new SearchQuota(openStateDir(env), realClock),
  });
}
