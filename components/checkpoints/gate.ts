import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { News } from "../events/event.ts";
import { perHour } from "../lib/money.ts";
import { printable, sizeText } from "../lib/text.ts";
import { pick } from "../lib/values.ts";
import type { Bring } from "../remote/bring.ts";
import { standingScript, stopMinutes, stopScript, WORKSPACE } from "../remote/scripts.ts";
import { isRemoteError } from "../ssh/remote-error.ts";
import { type Login, runScript, stepLimitOf } from "../ssh/run-script.ts";
import type { SshKey } from "../ssh/ssh-key.ts";
import type { VastClient } from "../vast/client/client.ts";
import { isVastError } from "../vast/client/errors.ts";
import { instanceNow } from "../vast/client/instance-list.ts";
import { isDown } from "../vast/client/phase.ts";
import { ensureSameAccount, type Renter } from "../vast/client/same-account.ts";
import type { Instance } from "../vast/client/wire.ts";
import { liveEndpoint } from "../vast/ready/live-endpoint.ts";
import type { Means } from "../vast/ready/means.ts";
import { isUntouched, tracesOn } from "../vast/ready/traces.ts";
import { stopToKeep } from "../vast/rental/keep.ts";
import { bringAlong, broughtAlready, broughtHome, checkRoomToBring } from "./bring.ts";
import { whyLost } from "./lost.ts";
import { checkRoomToPull, PULL_TERMS, type PullTerms, pullCheckpoints } from "./pull.ts";
import { type Rescue, startForFiles } from "./rescue.ts";
import { endedTraining, homeAlready, recordOf, sizeOfRecord } from "./store/record.ts";
import { makeFolder } from "./store/store.ts";

/** What the gate must know of a run, whatever its machine. */
export interface GateTerms {
  /** As in the stack config; "" = the key of the state directory. */
  readonly sshKeyFile: string;
  /** Folder on the machine; cannot change while the machine lives. */
  readonly from: string;
  /** Folder here, absolute; `<stack>/<instance id>` is added. */
  readonly checkpointsTo: string;
  /** `Wish.clone`; no state has it. */
  readonly clone?: string | undefined;
  readonly stack: string;
  /** How long training may take to save and end, seconds. */
  readonly stopGraceSeconds: number;
  /** Most to pay for starting a stopped instance to fetch them, $; 0 = never. */
  readonly rescueBudget: number;
  /** How many verified predecessors of a file are kept at home. */
  readonly keepPrevious: number;
  /** How long one step on the machine may take, minutes. */
  readonly stepMaxMinutes: number;
  /** What comes home beside them. */
  readonly bring: Bring;
}

type Terms = Pick<GateTerms, "stopGraceSeconds" | "rescueBudget"> &
  Partial<Pick<GateTerms, "stack" | "stepMaxMinutes" | "bring">>;

/**
 * What must come home before an instance may go. `stack` is for the text of a refusal; a step may take 180 minutes by
 * default, and without `bring` nothing but checkpoints comes home.
 */
export interface GateOrder extends PullTerms, Terms, Partial<Renter> {
  readonly instanceId: number;
  /** $/h, as rented. */
  readonly pricePerHour: number;
  /** On the machine; default /workspace. */
  readonly workspace?: string;
  /** The stack's training (`trainingMark`); undefined = not known. */
  readonly training?: string | undefined;
  /**
   * The state says that steps of ours have begun on it. If not, the gate looks for traces on the machine, and stops it
   * when nobody can look: nothing else may know that it bills.
   */
  readonly begun: boolean;
}

/** Vast, and our key, whose known hosts hold the machine's host key. */
export interface Connection {
  readonly client: VastClient;
  readonly key: SshKey;
}

/** What the gate uses from outside. */
export interface GateWorld {
  /** Throws one sentence when there is no key, or no API to talk to. */
  readonly connect: () => Connection;
  /** To start an instance that is stopped. Throws as `connect` does. */
  readonly means: () => Promise<Means>;
  /** The instance whose checkpoints the user gives up. */
  readonly discard: string | undefined;
  /** Shows each step; called many times a second. */
  readonly progress: (text: string) => void;
  /** Prints what people should read afterwards, one line each. */
  readonly say: (text: string) => void;
  /** Hears what happens to the run. Default: nobody does. */
  readonly note?: (news: News) => void;
  /** How long to look for a login, milliseconds. */
  readonly patience: number;
}

/** Attempts when a connection breaks: the machine may have been restarted, and has other ports then. */
const ATTEMPTS = 3;

/** How far it has come. */
interface Course {
  /** A login worked. */
  entered: boolean;
  /** Training was asked to end. */
  stopped: boolean;
  /** The checkpoints are home. */
  saved: boolean;
  /** The instance was stopped, and was started for this. */
  rescue?: Rescue;
}

/**
 * Stops training, brings its checkpoints home and verifies them. A stopped instance is started for that, within a
 * budget, unless they are home already. Returns when the instance may go: the checkpoints are home, there are none and
 * never were, Vast says that the instance is gone, or the user gives them up. Throws one text for the user otherwise;
 * then nothing is lost, an instance that was started is stopped again, and it may be called again.
 */
export async function passGate(order: GateOrder, world: GateWorld): Promise<void> {
  if (world.discard === String(order.instanceId)) {
    world.say(`the checkpoints of instance ${order.instanceId} are given up, as VAST_DISCARD_CHECKPOINTS says`);
    return;
  }
  const course: Course = { entered: false, stopped: false, saved: false };
  try {
    await bringHome(order, world, course);
  } catch (error) {
    const doubt = isVastError(error, "no_such_instance") ? await whyNotGone(order, world) : error;
    if (doubt === undefined) {
      world.say(`instance ${order.instanceId} is gone; what was fetched before is in ${order.to}`);
      return;
    }
    const cause = course.rescue?.why() ?? doubt;
    const again = await course.rescue?.stopAgain();
    throw new Error(await refusal(order, world, cause, course, again));
  }
}

/** Why it cannot count as gone; undefined = Vast says so, to the account that rented it. */
async function whyNotGone(order: GateOrder, world: GateWorld): Promise<unknown> {
  const { client } = world.connect();
  const unseen = { what: `instance ${order.instanceId}`, name: order.instanceId };
  return ensureSameAccount(client, unseen, order).catch((error: unknown) => error);
}

async function bringHome(order: GateOrder, world: GateWorld, course: Course): Promise<void> {
  // Before training is stopped in vain.
  if (order.begun) makeFolder(order.to);
  const seen = await ask(order.instanceId, world);
  if (seen !== undefined && isDown(seen)) {
    const record = await homeAlready(order.to, order.training);
    if (record !== undefined && (await nothingToBring(order))) {
      const { files, bytes } = sizeOfRecord(record);
      world.say(
        `instance ${order.instanceId} is stopped, training had ended, and all of it is home: ${filesText(files)}, ${sizeText(bytes)}, verified at ${record.verifiedAt}`,
      );
      return;
    }
    const { publicKey } = world.connect().key;
    course.rescue = await startForFiles(await world.means(), seen, { budget: order.rescueBudget, publicKey });
  }
  for (let attempt = 1; ; attempt++) {
    try {
      return await bringHomeOnce(order, world, course, attempt === 1 ? seen : undefined);
    } catch (error) {
      if (course.rescue?.signal.aborted || !isRemoteError(error, "unreachable") || attempt === ATTEMPTS) throw error;
      world.say(`${error.message}; trying again`);
    }
  }
}

async function nothingToBring({ to, training, bring }: GateOrder): Promise<boolean> {
  return bring === undefined || broughtAlready(to, training, bring);
}

/** @param seen the instance as Vast has just shown it */
async function bringHomeOnce(
  order: GateOrder,
  world: GateWorld,
  course: Course,
  seen: Instance | undefined,
): Promise<void> {
  const { instanceId, to } = order;
  const { progress, say } = world;
  const { client, key } = world.connect();
  const signal = course.rescue?.signal;
  course.saved = false;
  progress("looking for a login");
  const patience = { deadline: Date.now() + world.patience, seen, ...(signal === undefined ? {} : { signal }) };
  const endpoint = await liveEndpoint(client, { instanceId, key, firstUse: !order.begun }, patience);
  const machine: Login = { instanceId, endpoint, key, ...stepLimitOf(order.stepMaxMinutes) };
  course.entered = true;
  if (await isFreeOfTraining(order, machine, signal)) {
    say(`instance ${instanceId} holds nothing of a training of ours`);
    return;
  }
  const request = { ...machine, ...pick(order, PULL_TERMS), what: "pulumi destroy", progress, signal };
  // Before training is stopped in vain.
  const waiting = await checkRoomToPull(request);
  const { bring } = order;
  const more = { ...request, ...pick(order, ["workspace"]) };
  if (bring !== undefined) await checkRoomToBring({ ...more, bring });
  progress(`training is asked to save (${order.stopGraceSeconds} s at most), ${filesText(waiting)} come home`);
  const patient = { ...machine, ...stepLimitOf(stopMinutes(order)) };
  const said = await runScript(patient, stopScript({ ...order, rescue: course.rescue !== undefined }), signal);
  course.stopped = true;
  const words = printable(said.toString("utf8"));
  if (words !== "") say(words);
  const standing = await runScript(machine, standingScript(order), signal);
  const ended = endedTraining(standing.toString("utf8"), order.training);
  world.note?.({ what: "ended", instance: instanceId, ...(words === "" ? {} : { reason: words }) });
  const { files, bytes, fetched, incomplete, beside } = await pullCheckpoints({ ...request, ended });
  const reason = `${filesText(files)}, ${sizeText(bytes)}`;
  world.note?.({ what: "synced", instance: instanceId, bytes: fetched, home: to, reason });
  for (const sentence of beside) say(sentence);
  for (const folder of incomplete)
    say(`${folder} is incomplete: the machine deleted the rest before it could be fetched`);
  say(files === 0 ? "there are no checkpoints to fetch" : `${filesText(files)}, ${sizeText(bytes)}, verified in ${to}`);
  course.saved = true;
  if (bring === undefined) return;
  const brought = await bringAlong({ ...more, bring, ended });
  for (const sentence of brought.said) say(sentence);
  say(`beside them: ${filesText(brought.files)}, ${sizeText(brought.bytes)}, in ${brought.home}`);
}

/**
 * Is there no trace of training? Throws when something was there before and is not now: an empty folder proves nothing
 * then.
 */
async function isFreeOfTraining(order: GateOrder, machine: Login, signal: AbortSignal | undefined): Promise<boolean> {
  const { from, to, begun, workspace = WORKSPACE } = order;
  const traces = await tracesOn(machine, from, { workspace, signal });
  const lost = whyLost(traces, { workspace, from, begun, fetched: recordOf(to)?.files.size ?? 0 });
  if (lost !== undefined) throw new Error(lost);
  return !begun && isUntouched(traces);
}

/** Stops a machine that nobody could look into, and that may be in no state, so that its GPUs are not billed. */
async function stoppedUnseen(order: GateOrder, world: GateWorld): Promise<string | undefined> {
  const instance = await ask(order.instanceId, world);
  return instance && stopToKeep(world.connect().client, instance);
}

/** Why it is kept, what is at stake, what it costs, and the way out. */
async function refusal(
  order: GateOrder,
  world: GateWorld,
  error: unknown,
  { entered, stopped, saved }: Course,
  again: string | undefined,
): Promise<string> {
  const { instanceId, from, to, stack, begun } = order;
  const why = printable(error instanceof Error ? error.message : String(error), 1000);
  const isUnseen = !begun && !entered && again === undefined;
  const missing = saved ? "its checkpoints are home, but not what bring names" : "its checkpoints are not home";
  const doubt = isUnseen ? "nobody can see whether checkpoints are on it" : missing;
  const left = isUnseen ? await stoppedUnseen(order, world) : undefined;
  return [
    `instance ${instanceId} is kept, because ${doubt}: ${why}.`,
    saved
      ? `At stake are the log of training and what bring names; ${broughtHome(to)} holds ${countText(broughtHome(to))}.`
      : `At stake is what training has saved in ${from} since they were last fetched; ${to} holds ${countText(to)}.`,
    ...(again === undefined ? [] : [`${again}.`]),
    left === undefined ? `The instance goes on costing ${await costText(order, world)}.` : sentence(left),
    ...(stopped ? ["Training has been stopped; pulumi up starts it again."] : []),
    ...(isRemoteError(error, "disk_full") ? [ELSEWHERE] : []),
    ...(isRemoteError(error, "stalling") ? [stallingText(instanceId)] : []),
    `Try again when the cause is mended${stack === undefined ? "" : ` (pulumi destroy -s ${stack})`}, or give up ${saved ? "what is not home" : "its checkpoints"} by putting VAST_DISCARD_CHECKPOINTS=${instanceId} before the command.`,
  ].join(" ");
}

function sentence(clause: string): string {
  return `${clause.charAt(0).toUpperCase()}${clause.slice(1)}.`;
}

/** Destroy reads the state, not the stack config. */
const ELSEWHERE =
  "Make room there, or have them brought elsewhere: pulumi config set checkpointsTo DIR, then pulumi up notes that, and destroy goes there.";

/** The only ways to end the bill of a machine whose host sends nothing. */
function stallingText(instanceId: number): string {
  return `Its host is stalling and may go on so without end: VAST_DISCARD_CHECKPOINTS=${instanceId} pulumi destroy ends the bill at once and gives up what is not home; vastai stop instance ${instanceId} leaves the bill of its disk alone until you try again.`;
}

function countText(folder: string): string {
  try {
    return filesText(countFiles(folder));
  } catch {
    return "nothing yet";
  }
}

/** Without following links: those of a machine may go round in circles. */
function countFiles(folder: string): number {
  const entries = readdirSync(folder, { withFileTypes: true });
  const counts = entries.map((entry) =>
    entry.isDirectory() ? countFiles(join(folder, entry.name)) : Number(entry.isFile()),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}

function filesText(count: number): string {
  return count === 1 ? "1 file" : `${count} files`;
}

/** A stopped instance costs its disk alone; when Vast cannot be asked, the price at which it was rented. */
async function costText({ instanceId, pricePerHour }: GateOrder, world: GateWorld): Promise<string> {
  const instance = await ask(instanceId, world);
  if (instance === undefined) return perHour(pricePerHour);
  if (isDown(instance) && instance.diskPerHour !== null) return `${perHour(instance.diskPerHour)} for its disk`;
  return perHour(instance.totalPerHour ?? pricePerHour);
}

/** The instance, as far as Vast says; an error shows at the login, or is left to the cause that a text names. */
async function ask(instanceId: number, world: GateWorld): Promise<Instance | undefined> {
  try {
    return await instanceNow(world.connect().client, instanceId);
  } catch {
    return undefined;
  }
}
