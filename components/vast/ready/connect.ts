import { uptime } from "node:os";
import { join } from "node:path";
import { Events } from "../../events/events.ts";
import type { Clock } from "../../lib/clock.ts";
import { writeWhole } from "../../lib/draft.ts";
import { absolute } from "../../lib/path.ts";
import { openStateDir } from "../../lib/state-dir.ts";
import { bootOf } from "../../programs/process.ts";
import { whenInterrupted } from "../../pulumi/endings.ts";
import { type EngineWatch, progress, say } from "../../pulumi/engine.ts";
import { ownSshKey, type SshKey } from "../../ssh/ssh-key.ts";
import { type ApiTarget, openApi } from "../client/api.ts";
import type { VastClient } from "../client/client.ts";
import type { InstanceList } from "../client/instance-list.ts";
import { realSleep } from "../client/pacing.ts";
import { leaveWord } from "../journal/interrupt.ts";
import { Journal, stackOf } from "../journal/journal.ts";
import { Ledger } from "../ledger/ledger.ts";
import { Prices } from "../market/prices.ts";
import type { Keep, Logins, Means } from "./means.ts";
import { makeRoom } from "./remains.ts";

export interface ConnectOptions {
  /** The row on which progress is shown. */
  readonly urn?: string | undefined;
  /** Private key of our logins; "" = the one of the state directory. */
  readonly sshKeyFile?: string;
  /** As in the stack config: the folder in which a lab shares its ledger of machines; default "", there is none. */
  readonly labDir?: string | undefined;
  /** Default: none is watched. Releasing goes on without an engine. */
  readonly engine?: Pick<EngineWatch, "signal" | "alive">;
}

/** The real `Means` to rent and release. Throws VastError `config` or `no_key` when the API cannot be used. */
export async function connect(target: ApiTarget, options: ConnectOptions = {}): Promise<Means> {
  const { urn, sshKeyFile = "", engine = { signal: new AbortController().signal, alive: async () => true } } = options;
  const { client, list, url } = await sharedClient(target);
  const places = { own: openStateDir().ledgerDir, lab: options.labDir ? absolute(options.labDir) : "" };
  const told = (text: string) => say(urn, text);
  return {
    client,
    list,
    journal: openJournal(),
    prices: new Prices(openStateDir().pricesDir, url),
    ledger: new Ledger(places, url, { now: realClock.now, say: told }),
    events: openEvents(urn),
    clock: realClock,
    logins: realLogins(client, () => ownSshKey(openStateDir(), sshKeyFile)),
    engine,
    keep: keepIn(() => openStateDir().failedDir),
    progress: (text) => progress(urn, text),
    say: told,
  };
}

/** The journal of the state directory. When this process is interrupted, it tells what it leaves open there. */
export function openJournal(): Journal {
  const journal = new Journal(openStateDir().journalDir);
  whenInterrupted("what was being rented", () => leaveWord(journal));
  return journal;
}

/** The log of events of the state directory. @param urn the row on which something happens */
export function openEvents(urn = ""): Events {
  const told = (text: string) => void say(urn, text);
  return new Events(openStateDir().eventsDir, {
    now: realClock.now,
    say: told,
    program: "pulumi",
    stack: stackOf({ urn }),
  });
}

export const realClock: Clock = {
  // Not the wall clock: that may be set while something waits.
  now: () => Math.round(performance.timeOrigin + performance.now()),
  boot: () => {
    const id = bootOf();
    return id === "" ? undefined : { id, uptime: Math.round(uptime() * 1000) };
  },
  sleep: realSleep,
};

/** @param folder where the newest texts are kept */
export function keepIn(folder: () => string): Keep {
  return (name, text) => {
    const file = join(folder(), `${new Date().toISOString().replace(/[:.]/g, "-")}-${name}`);
    makeRoom(folder());
    writeWhole(file, text);
    return file;
  };
}

interface Shared {
  readonly client: VastClient;
  readonly list: InstanceList;
  readonly url: string;
}

/** Two clients with one key would not keep Vast's pauses between calls. */
const shared = new Map<string, Shared>();

/** One client and one list for all resources of a process that use the same API and key. */
async function sharedClient(target: ApiTarget): Promise<Shared> {
  const api = openApi(target);
  const name = `${api.url} ${api.keySource}`;
  const known = shared.get(name);
  if (known !== undefined) return known;
  // Loaded when they are needed: a run that changes nothing goes without.
  const [{ VastClient }, { InstanceList }, { SearchQuota }] = await Promise.all([
    import("../client/client.ts"),
    import("../client/instance-list.ts"),
    import("../limits/search-quota.ts"),
  ]);
  const client = new VastClient(api, { searches: new SearchQuota(openStateDir(), realClock) });
  const made = shared.get(name) ?? { client, list: new InstanceList(client, realClock), url: api.url };
  shared.set(name, made);
  return made;
}

/** @param key gives the key that opens the machines; called when it is needed, because it may have to be made */
export function realLogins(client: VastClient, key: () => SshKey): Logins {
  return {
    login: async (instanceId, { deadline, signal, seen, onAttempt }) => {
      const { liveEndpoint } = await import("./live-endpoint.ts");
      return liveEndpoint(
        client,
        { instanceId, key: key(), firstUse: true },
        {
          deadline,
          signal,
          seen,
          onAttempt: (result) => {
            if (!result.ok) onAttempt?.(result.reason, result.endpoint.via);
          },
        },
      );
    },
    isSetUp: async (instanceId, endpoint, { signal }) => {
      const { waitForSetUp } = await import("./set-up.ts");
      return waitForSetUp(endpoint, { instanceId, key: key() }, signal);
    },
    report: async (instanceId, signal) => {
      const [{ liveEndpoint }, { REPORT }, { runScript }] = await Promise.all([
        import("./live-endpoint.ts"),
        import("./remains.ts"),
        import("../../ssh/run-script.ts"),
      ]);
      const endpoint = await liveEndpoint(client, { instanceId, key: key(), firstUse: true }, { signal });
      return (await runScript({ instanceId, endpoint, key: key() }, REPORT, signal)).toString("utf8");
    },
    traces: async (instanceId, endpoint, { signal }) => {
      const { tracesOn } = await import("./traces.ts");
      return tracesOn({ instanceId, endpoint, key: key() }, "", { signal });
    },
  };
}
