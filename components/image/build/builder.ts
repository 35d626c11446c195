import { readFileSync } from "node:fs";
import { join } from "node:path";
import { perHour } from "../../lib/money.ts";
import { openStateDir } from "../../lib/state-dir.ts";
import type { EngineWatch } from "../../pulumi/engine.ts";
import { type Login, runScript } from "../../ssh/run-script.ts";
import { ownSshKey, type SshKey, sshArgs } from "../../ssh/ssh-key.ts";
import { type ApiTarget, targetOf } from "../../vast/client/api.ts";
import { isPassing } from "../../vast/client/errors.ts";
import { UNKNOWN_PULL } from "../../vast/ledger/pull.ts";
import type { OfferCriteria } from "../../vast/market/criteria.ts";
import { market } from "../../vast/market/offers.ts";
import { Searches } from "../../vast/market/quotes.ts";
import { minutes } from "../../vast/ready/boot.ts";
import { connect, openJournal } from "../../vast/ready/connect.ts";
import { note, servedSince } from "../../vast/ready/experience.ts";
import type { Means } from "../../vast/ready/means.ts";
import { release } from "../../vast/rental/release.ts";
import { type Rented, rent } from "../../vast/rental/rental.ts";
import type { RentalRequest } from "../../vast/rental/rental-request.ts";
import { noGate, releaseAll } from "../../vast/rental/settle.ts";

/** What the machine that builds may cost. */
export interface BuilderLimits extends ApiTarget {
  /** As in the stack config. */
  readonly sshKey: string;
  /** $/h, disk included. */
  readonly maxPricePerHour: number;
  /** From the search to the push, minutes. */
  readonly maxMinutes: number;
}

export interface BuilderTerms extends BuilderLimits {
  /** Label of the rental. It is in a state, or only in the journal. */
  readonly label: string;
}

export interface BuilderMeans {
  /** URN of the row that shows progress; "" = none. */
  readonly urn: string;
  readonly show: (text: string) => void;
  readonly say: (text: string) => Promise<void>;
  readonly engine: Pick<EngineWatch, "signal" | "alive">;
}

/** A Docker engine behind ssh, as @pulumi/docker wants it. */
export interface RemoteEngine {
  readonly host: string;
  readonly sshOpts: readonly string[];
  /** Aborted when the builder's time is over, or its caller is gone. */
  readonly signal: AbortSignal;
}

/** Vast's virtual machine with a command line and Docker. Without the registry's name a container would be rented. */
const VM_IMAGE = "docker.io/vastai/kvm:ubuntu_cli_22.04-2025-11-21";
/** Any GPU, because none is used. */
const MACHINE: Omit<OfferCriteria, "maxPricePerHour"> = {
  gpu: "",
  gpus: 1,
  // An interrupted build would be lost.
  rental: "on-demand",
  bidMarkup: 0,
  // Room for the base, the environment, and a push.
  diskGb: 150,
  minReliability: 0.95,
  minDownloadMbps: 200,
  minDurationHours: 4,
  // Verified, because the token for the push is used there.
  verified: true,
  virtual: true,
  maxOffers: 5,
};
const INSTALL = readFileSync(join(import.meta.dirname, "docker.sh"), "utf8");

/**
 * Rents the cheapest virtual machine in a datacenter, whatever its GPU, for one use, and always releases it. When this
 * process is killed, the intent is in the journal, and the label in the state that has it.
 */
export async function withBuilder(
  terms: BuilderTerms,
  means: BuilderMeans,
  use: (engine: RemoteEngine) => Promise<void>,
): Promise<void> {
  const most = terms.maxMinutes * 60_000;
  const late = AbortSignal.timeout(most);
  const signal = AbortSignal.any([means.engine.signal, late]);
  try {
    await withRented(terms, { ...means, engine: { ...means.engine, signal } }, use);
  } catch (error) {
    if (!late.aborted) throw error;
    throw new Error(`not done within ${minutes(most)} (builderMaxMinutes): ${(error as Error).message}`);
  }
}

async function withRented(
  terms: BuilderTerms,
  { urn, show, say, engine }: BuilderMeans,
  use: (engine: RemoteEngine) => Promise<void>,
): Promise<void> {
  const key = ownSshKey(openStateDir(), terms.sshKey);
  const vast: Means = { ...(await connect(terms, { urn, sshKeyFile: terms.sshKey, engine })), progress: show, say };
  const rented = await rent(vast, requestOf(terms, urn, key.publicKey));
  const since = vast.clock.now();
  const failed = await troubleOf(() => onBuilder(rented, key, { show, engine }, use));
  const left = await troubleOf(() => end(vast, rented.instance, terms.label));
  if (left === undefined) note(vast, rented.instance, servedSince(VM_IMAGE, since, vast.clock.now()));
  const troubles = [failed, left].filter((error) => error !== undefined);
  if (troubles.length > 0) throw new Error(troubles.map(({ message }) => message).join("; "));
}

/** Releases what a killed process left under this label. */
export async function endLeftBuilder(terms: BuilderTerms, say: (text: string) => void): Promise<void> {
  if (!openJournal().isLeft(terms.label)) return;
  say("releasing what an earlier build has left");
  await releaseAll(await connect(terms), terms.label, noGate);
}

function troubleOf(action: () => Promise<void>): Promise<Error | undefined> {
  return action().then(
    () => undefined,
    (error: Error) => error,
  );
}

async function onBuilder(
  { instance, endpoint }: Rented,
  key: SshKey,
  { show, engine }: Pick<BuilderMeans, "show" | "engine">,
  use: (engine: RemoteEngine) => Promise<void>,
): Promise<void> {
  const machine: Login = { instanceId: instance.id, endpoint, key };
  show("starting Docker on the builder");
  await runScript(machine, `set -eu\n${INSTALL}`, engine.signal);
  const words = sshArgs({ ...key, instanceId: instance.id, port: endpoint.port });
  // Without the last two words, the port: that is in the address.
  const sshOpts = words.slice(0, -2);
  await use({ host: `ssh://root@${endpoint.host}:${endpoint.port}`, sshOpts, signal: engine.signal });
}

async function end(vast: Means, { id, totalPerHour }: Rented["instance"], label: string): Promise<void> {
  await release(vast, id, { label, perHour: totalPerHour });
  vast.journal.closeInstance(id);
  await vast.say(`builder ${id} is released`);
}

/**
 * The best offer now, for people; "" = Vast cannot be asked now. Throws VastError, or an error that says why there is
 * none.
 */
export async function quoteBuilder(limits: BuilderLimits): Promise<string> {
  const { client, ledger } = await connect(limits);
  const criteria = { ...MACHINE, maxPricePerHour: limits.maxPricePerHour };
  const found = await market(client, criteria, { ledger, shared: new Searches(openStateDir()) }).catch((error) => {
    if (!isPassing(error)) throw error;
  });
  if (found === undefined) return "";
  const [best] = found.choices;
  if (best === undefined) throw new Error(`no virtual machine to build on: ${found.excluded}`);
  const place = best.location === null ? "" : ` in ${best.location}`;
  return `on a rented machine (${best.gpu}${place}, ${perHour(best.totalPerHour)}, ${minutes(limits.maxMinutes * 60_000)} at most)`;
}

function requestOf(terms: BuilderTerms, urn: string, publicKey: string): RentalRequest {
  const { label, maxPricePerHour, maxMinutes: total } = terms;
  return {
    label,
    urn,
    target: targetOf(terms),
    criteria: { ...MACHINE, maxPricePerHour },
    image: VM_IMAGE,
    pull: UNKNOWN_PULL,
    imageLogin: null,
    publicKeys: [publicKey],
    onstart: "",
    checkpointsDir: "",
    // Virtual machines take minutes to boot.
    minutes: { machine: Math.min(20, total), total },
    provisional: true,
    quote: null,
  };
}
