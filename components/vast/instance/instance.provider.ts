import { factsOfOffer } from "../../events/news.ts";
import { within } from "../../lib/clock.ts";
import { openStateDir } from "../../lib/state-dir.ts";
import { pick } from "../../lib/values.ts";
import { whenCancelled } from "../../pulumi/endings.ts";
import { progress, say, watchEngine } from "../../pulumi/engine.ts";
import { isUnknown, lifecycle, partialFailure } from "../../pulumi/lifecycle.ts";
import { isRevoked, pinHostKey } from "../../ssh/known-hosts.ts";
import { type Identity, identityAt } from "../../ssh/shown-key.ts";
import { removeSshConfig } from "../../ssh/ssh-config.ts";
import { knownHostsFile } from "../../ssh/ssh-key.ts";
import { targetOf } from "../client/api.ts";
import { isVastError } from "../client/errors.ts";
import { twinsIn } from "../client/instance-list.ts";
import { type PhaseName, phaseOf } from "../client/phase.ts";
import { ensureSameAccount, type Unseen } from "../client/same-account.ts";
import type { Instance } from "../client/wire.ts";
import { whileBilling } from "../journal/interrupt.ts";
import { holderOf } from "../journal/journal.ts";
import { nonceOf } from "../journal/label.ts";
import { forgetPassed, hasPassed } from "../journal/passed.ts";
import { CANCELLED, cancelledText, isKept, isStranded, keptText, leftText } from "../journal/trouble.ts";
import { type Pull, pullOf } from "../ledger/pull.ts";
import { knownText } from "../ledger/standing.ts";
import { criteriaOf } from "../market/criteria.ts";
import { Quotes, Searches } from "../market/quotes.ts";
import { connect, openEvents, openJournal, realClock } from "../ready/connect.ts";
import { note, noteLoss, servedSince } from "../ready/experience.ts";
import type { Means } from "../ready/means.ts";
import type { RentalRequest } from "../rental/rental-request.ts";
import { type Owner, sayTwins, tellTwins } from "../rental/twins.ts";
import { type Drift, driftOf, plainLines } from "./drift.ts";
import { type CheckMeans, checkInstance, quotedFor } from "./instance.check.ts";
import type { RawInputs, VastInstanceInputs } from "./instance.inputs.ts";
import { type CheckedInputs, type InstanceOutputs, outputsOf, refreshed, rentedAtLatest } from "./instance.outputs.ts";
import { planOf, replacedText } from "./plan.ts";
import { noteTerms } from "./terms.ts";

/** Only check is told the URN, the row on which progress is shown, so it goes on as an input. Older states lack it. */
interface WithRow {
  readonly __urn?: string;
}

/** The lifecycle behind VastInstance. */
export const provider = lifecycle({
  check: async (olds: Partial<CheckedInputs>, { __urn: urn = "", ...news }: RawInputs & WithRow) => {
    const { inputs, failures } = await checkInstance(olds, news, checkMeans(news, urn));
    return { inputs: { ...inputs, __urn: urn }, failures };
  },

  diff: async (id: string, olds: InstanceOutputs, news: CheckedInputs) => {
    openJournal().closeInstance(Number(id));
    const plan = planOf(olds, news, isUnknown);
    if (plan.replaces.length > 0) await say(olds.__urn, replacedText(olds, plan.replaces));
    const changes = (await tellDrift(id, olds, news, plan.changes)) || isRenewed(id, olds);
    return { ...plan, changes, deleteBeforeReplace: true };
  },

  create: async ({ __urn: urn, ...inputs }: CheckedInputs & WithRow) => {
    return watched(inputs, urn, undefined, async (means) => {
      const { apiUrl } = inputs;
      quotes().drop({ urn: urn ?? "", apiUrl, ...quotedFor(criteriaOf(inputs), inputs) });
      new Searches(openStateDir()).clear();
      const { rent } = await import("../rental/rental.ts");
      const { instance, ...known } = await rent(means, requestOf(inputs, await pullNow(inputs, means), urn));
      noteRental(means, instance, inputs);
      return {
        id: String(instance.id),
        outs: outputsOf(instance, inputs, { ...known, urn, startedAt: now() }),
      };
    });
  },

  read: async (id: string, props: InstanceOutputs) => {
    const means = await connect(props, { urn: props.__urn, labDir: props.labDir });
    const instance = await seen(means, id, props);
    openJournal().closeInstance(Number(id));
    // Pulumi itself shows only what the next run will change.
    const { changes } = driftOf(props, Number.POSITIVE_INFINITY, instance);
    for (const { text } of changes) await means.say(text);
    await tellTwins(means, ownerOf(id, props));
    means.events?.noteSeen(Number(id), instance);
    if (instance === undefined) return { id: "", props: {} };
    if (props.phase === "ready") noteLoss(means, instance);
    return { id, props: { ...refreshed(props, instance), keyFingerprint: keyFingerprint(means, props.asked) } };
  },

  update: async (id: string, olds: InstanceOutputs, { __urn: urn = olds.__urn, ...news }: CheckedInputs & WithRow) => {
    const { offerId, accountId } = olds;
    return watched(news, urn, olds, async (means) => {
      const instance = await seen(means, id, olds);
      if (instance === undefined)
        throw new Error(`instance ${id} is gone at Vast; pulumi up --refresh rents a new one`);
      await tellTwins(means, ownerOf(id, olds));
      means.events?.noteSeen(Number(id), instance);
      if (olds.phase === "ready") noteLoss(means, instance);
      if (instance.label !== news.label) await means.client.setLabel(instance.id, news.label);
      const named = { ...instance, label: news.label };
      const known = { offerId: Number(offerId) || null, urn, accountId, keyFingerprint: keyFingerprint(means, news) };
      const isSame = !isRenewed(id, olds) && (await identityOf(id, olds)) !== "accepted";
      if (isSame && olds.phase === "ready" && phaseOf(instance).phase === "ready") {
        return { outs: { ...outputsOf(named, news, known), ...pick(olds, BROUGHT_UP) } };
      }
      const { resume } = await import("../rental/resume.ts");
      const { label, publicKeys, readyTimeoutMinutes } = news;
      const asked = { label, criteria: criteriaOf(news), minutes: readyTimeoutMinutes.machine };
      const back = await resume(means, { ...asked, instance: named, publicKey: publicKeys[0] ?? "" });
      noteRental(means, back.instance, news);
      await sayTwins(means.say, back.twins, ownerOf(id, olds));
      return { outs: outputsOf(back.instance, news, { ...known, endpoint: back.endpoint, startedAt: now() }) };
    });
  },

  delete: async (id: string, props: InstanceOutputs) => {
    const { label, pricePerHour: perHour } = props;
    const text = leftText(Number(id), label, perHour);
    try {
      const { release } = await import("../rental/release.ts");
      const { sshKeyFile = "", labDir, __urn: urn } = props;
      const means = await connect(props, { urn, sshKeyFile, labDir });
      await ensureReleasable(means, Number(id), props);
      const options = { label, perHour, rentedAt: rentedAtLatest(props, means.clock.now()) };
      const wasKnown = await whileBilling(text, () => release(means, Number(id), options));
      if (wasKnown) noteService(means, props);
      else await ensureSameAccount(means.client, unseen(id), props);
    } catch (error) {
      throw isKept(error) ? error : new Error(`${(error as Error).message}; ${text}`);
    }
    openJournal().closeInstance(Number(id));
    forgetPassed(Number(id));
    removeSshConfig(openStateDir().sshDir, Number(id));
  },
});

/** Checkpoints in the state were fetched before this. Without them, the machine must prove that it holds nothing. */
async function ensureReleasable(
  means: Means,
  id: number,
  { untouched, label, hostKey }: InstanceOutputs,
): Promise<void> {
  const intent = means.journal.find(label);
  const isUnbegun = untouched === true || (intent?.untouched === true && intent.instanceIds.includes(id));
  if (isUnbegun || hasPassed(id)) return;
  const { whatIsLeft } = await import("../rental/release.ts");
  const instance = await whatIsLeft(means, id);
  if (instance === undefined) return;
  if (hostKey !== "") pinHostKey(knownHostsFile(openStateDir()), id, hostKey);
  const { ensureUntouched } = await import("../rental/untouched.ts");
  await ensureUntouched(means, instance, REGAIN);
}

const REGAIN =
  "Its Checkpoints, which bring home what is on it, are not in this state: pulumi up puts them back, and then pulumi destroy fetches it.";

/** What is known of an instance since it last got ready. */
const BROUGHT_UP = ["sshHost", "sshPort", "hostKey", "startedAt", "rentedPerHour"] as const;

/** Rents or resumes while the engine lives; a machine that is left over gets into the state. */
async function watched<T>(
  inputs: CheckedInputs,
  urn: string | undefined,
  olds: InstanceOutputs | undefined,
  action: (means: Means) => Promise<T>,
): Promise<T> {
  const engine = watchEngine();
  const { sshKeyFile, labDir, label } = inputs;
  let more = "";
  const stop = whenCancelled(() => {
    const { instanceIds = olds === undefined ? [] : [Number(olds.instanceId)] } = openJournal().find(label) ?? {};
    void say(urn, cancelledText({ instanceIds }));
    more = `; ${CANCELLED}`;
  });
  try {
    const means = await connect(inputs, { urn, sshKeyFile, labDir, engine });
    return await action({ ...means, progress: (text) => means.progress(text + more) });
  } catch (error) {
    if (!isStranded(error)) throw olds !== undefined && isVastError(error) ? withKept(error, olds) : error;
    const { instance, givenUp, renter } = error;
    const untouched = olds === undefined && givenUp;
    const phase = strandedPhase(instance, givenUp);
    const blank = outputsOf(instance, inputs, { urn, phase, untouched, ...renter });
    const outs = { ...blank, ...pick(olds ?? blank, [...BROUGHT_UP, "offerId", "accountId", "keyFingerprint"]) };
    throw partialFailure(String(instance.id), outs, inputs, error);
  } finally {
    stop();
    engine.stop();
  }
}

/** Running at Vast is not ready before a login worked: the next run waits again. */
function strandedPhase(instance: Instance, givenUp: boolean): PhaseName {
  const { phase } = phaseOf(instance);
  if (givenUp) return "failed";
  return phase === "ready" ? "pending" : phase;
}

/** Adds that the instance is still there, what it costs and what ends it. */
function withKept({ message }: Error, { instanceId, label, pricePerHour }: InstanceOutputs): Error {
  return new Error(`${message}; ${keptText(instanceId, label, pricePerHour)}`);
}

function now(): string {
  return new Date().toISOString();
}

/** As the ledger and the notes of registries have it. */
async function pullNow(
  { image, imageBytes = null, cachedBase = "" }: Pick<VastInstanceInputs, "image" | "imageBytes" | "cachedBase">,
  { ledger }: Pick<Means, "ledger">,
): Promise<Pull> {
  const [{ knownContents }, { registryNotes }] = await Promise.all([
    import("../../registry/access.ts"),
    import("../../registry/notes.ts"),
  ]);
  const folder = registryNotes(process.env);
  const standings = ledger?.standings() ?? { now: 0, all: [] };
  return pullOf({ image, imageBytes, cachedBase }, standings, (digest) => knownContents(folder, digest));
}

function requestOf(inputs: CheckedInputs, pull: Pull, urn = ""): RentalRequest {
  const { label, image, publicKeys, quote, onstart = "", readyTimeoutMinutes: minutes } = inputs;
  const { imageLogin = null, checkpointsDir = "", provisional = false } = inputs;
  return {
    label,
    urn,
    target: targetOf(inputs),
    criteria: criteriaOf(inputs),
    image,
    pull,
    imageLogin,
    publicKeys,
    onstart,
    checkpointsDir,
    minutes,
    provisional,
    quote,
  };
}

function noteRental({ prices }: Means, { id, machineId, gpus }: Instance, inputs: CheckedInputs): void {
  const { maxPricePerHour, bidMarkup } = inputs;
  // What Vast lists by now may be our own bid.
  const bid = machineId === null || gpus === null ? undefined : prices.bids({ machineId, gpus }).at(-1);
  noteTerms(String(id), { maxPricePerHour, bidMarkup, floorPerHour: bid?.floor ?? null });
}

/** Notes how long it served since it last got ready; unknown for one that was stopped. */
function noteService(means: Means, { machineId, gpus, startedAt, phase, image }: InstanceOutputs): void {
  if (startedAt === "" || machineId === "") return;
  const from = phase === "ready" ? Date.parse(startedAt) : realClock.now();
  note(means, { machineId: Number(machineId), gpus }, servedSince(image, from, realClock.now()));
}

/** The instance as Vast has it; undefined = gone for certain. */
async function seen(means: Means, id: string, olds: InstanceOutputs): Promise<Instance | undefined> {
  return (await means.client.instance(Number(id))) ?? whatIsLeftOf(means, id, olds);
}

async function whatIsLeftOf(means: Means, id: string, olds: InstanceOutputs): Promise<Instance | undefined> {
  const { whatIsLeft } = await import("../rental/release.ts");
  const instance = await whatIsLeft(means, Number(id), rentedAtLatest(olds, means.clock.now()));
  if (instance === undefined) await ensureSameAccount(means.client, unseen(id), olds);
  return instance;
}

/** By the label in the state: at Vast somebody may have changed it. */
function ownerOf(id: string, { asked: { label } }: InstanceOutputs): Owner {
  return { id: Number(id), label };
}

function unseen(id: string): Unseen {
  return { what: `instance ${id}`, name: id };
}

/** Of the key that sees it now. */
function keyFingerprint({ client }: Means, { label }: Pick<CheckedInputs, "label">): string {
  return client.keyFingerprint(nonceOf(label));
}

const DRIFT_PATIENCE_MS = 5000;

/**
 * Says what happened at Vast, which a run that changes nothing would not notice. A preview works without Vast too, so a
 * failed look is not an error. Throws when the machine is gone for certain, or another one answers in its place: every
 * later step would fail. A run that changes the instance hears of twins alone. true = there is something to do.
 */
async function tellDrift(id: string, olds: InstanceOutputs, news: CheckedInputs, changes: boolean): Promise<boolean> {
  const { __urn: urn } = olds;
  const look = () => lookForDrift(id, olds, news).catch((error: Error) => progress(urn, error.message));
  const drift = await within(DRIFT_PATIENCE_MS, look);
  if (changes || !drift) return changes;
  const lines = plainLines(drift);
  if (drift.gone) throw new Error(lines.join("; "));
  for (const line of lines) await say(urn, line);
  const identity = lines.length === 0 ? await identityOf(id, olds) : "same";
  if (typeof identity === "object") throw new Error(identity.stranger);
  return identity === "accepted";
}

/** Who answers where the state says that the machine is. */
function identityOf(id: string, { sshHost: host, sshPort: port, hostKey }: InstanceOutputs): Promise<Identity> {
  const owner = { instanceId: Number(id), key: { knownHostsFile: knownHostsFile(openStateDir()) } };
  return host === "" ? Promise.resolve("same") : identityAt({ host, port }, owner, hostKey);
}

/** Another host key was accepted since the state was written. */
function isRenewed(id: string, { hostKey }: InstanceOutputs): boolean {
  return isRevoked(knownHostsFile(openStateDir()), Number(id), hostKey);
}

async function lookForDrift(id: string, olds: InstanceOutputs, news: CheckedInputs): Promise<Drift> {
  const means = await connect(olds, { urn: olds.__urn });
  // From the list, so that a change of the bid need not wait for the rate limit of the single view.
  const instance = await whatIsLeftOf(means, id, olds);
  await sayTwins(means.say, means.list.latest, ownerOf(id, olds));
  return driftOf(olds, news.maxPricePerHour, instance);
}

function quotes(): Quotes {
  return new Quotes(openStateDir().quotesDir);
}

function checkMeans(inputs: RawInputs, urn: string): CheckMeans {
  const { apiUrl } = inputs;
  const open = () => connect(targetOf(inputs), { urn, labDir: inputs.labDir });
  return {
    market: async (criteria, pull) => {
      const [{ market }, { client, prices, ledger }] = await Promise.all([import("../market/offers.ts"), open()]);
      return market(client, criteria, { prices, ledger, pull, shared: new Searches(openStateDir()) });
    },
    pull: async (image) => pullNow(image, await open()),
    account: async () => (await open()).client.account(),
    left: async (label) => {
      const intent = openJournal().find(label);
      if (intent === undefined || holderOf(intent) !== "nobody") return undefined;
      return twinsIn(await (await open()).list.look(), label).at(0);
    },
    imageTrouble: async (inputs) => (await import("../rental/image-pull.ts")).keptImageTrouble(inputs),
    kept: (asked) => quotes().get({ urn, apiUrl, ...asked }),
    keep: (asked, quote) => {
      quotes().put({ urn, apiUrl, ...asked }, quote);
      openEvents(urn).noteOnce({ what: "quoted", ...factsOfOffer(quote) });
    },
    known: async (quote) => {
      const { ledger } = await open();
      return ledger === undefined ? "" : knownText(quote, ledger.standings());
    },
    say: (text) => say(urn, text),
  };
}
