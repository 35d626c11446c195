import { readdirSync } from "node:fs";
import { stopScript } from "../remote/steps.ts";
import type { SshKey } from "../ssh-key.ts";
import type { Instance, VastClient } from "../vast/client.ts";
import { isVastError } from "../vast/errors.ts";
import { phaseOf } from "../vast/phase.ts";
import { perHour } from "../vast/price.ts";
import { liveEndpoint } from "../vast/ssh.ts";
import { printable } from "../vast/text.ts";
import { type Machine, runScript } from "./machine.ts";
import { isPullError, makeFolder, pullCheckpoints, sizeText } from "./pull.ts";

/** What is to come home before an instance may go. */
export interface GateOrder {
  readonly instanceId: number;
  /** Folder on the machine. */
  readonly from: string;
  /** Folder here. */
  readonly to: string;
  readonly stopGraceSeconds: number;
  /** $/h, as rented. */
  readonly pricePerHour: number;
  /** On the machine; default /workspace. */
  readonly workspace?: string;
}

/** Vast, and our key, whose known hosts hold the machine's host key. */
export interface Connection {
  readonly client: VastClient;
  readonly key: SshKey;
}

/** What the gate needs of the world. */
export interface GateWorld {
  /** Throws one sentence when there is no key, or no API to talk to. */
  readonly connect: () => Connection;
  /** The instance whose checkpoints the user gives up. */
  readonly discard: string | undefined;
  /** Hears of each step, many times a second. */
  readonly progress: (text: string) => void;
  /** Hears what people should read afterwards, one line each. */
  readonly say: (text: string) => void;
  /** How long to look for a login, milliseconds. */
  readonly patience: number;
}

/** Of a connection that breaks: the machine may have been restarted, and then it has other ports. */
const ATTEMPTS = 3;

/**
 * Stops training, brings its checkpoints home and verifies them. Returns when the instance may go: they are home, there
 * are none, Vast says that the instance is gone, or the user gives them up. Throws one text for the user otherwise; then
 * nothing is lost, and it may be called again.
 */
export async function passGate(order: GateOrder, world: GateWorld): Promise<void> {
  if (world.discard === String(order.instanceId)) {
    world.say(`the checkpoints of instance ${order.instanceId} are given up, as VAST_DISCARD_CHECKPOINTS says`);
    return;
  }
  const course = { stopped: false };
  try {
    await bringHome(order, world, course);
  } catch (error) {
    if (isVastError(error, "no_such_instance")) {
      world.say(`instance ${order.instanceId} is gone; what was fetched before is in ${order.to}`);
      return;
    }
    throw new Error(await refusal(order, world, error, course.stopped));
  }
}

async function bringHome(order: GateOrder, world: GateWorld, course: { stopped: boolean }): Promise<void> {
  // Before training is stopped in vain.
  makeFolder(order.to);
  for (let attempt = 1; ; attempt++) {
    try {
      return await bringHomeOnce(order, world, course);
    } catch (error) {
      if (!isPullError(error, "unreachable") || attempt === ATTEMPTS) throw error;
      world.say(`${error.message}; trying again`);
    }
  }
}

async function bringHomeOnce(order: GateOrder, world: GateWorld, course: { stopped: boolean }): Promise<void> {
  const { instanceId, from, to } = order;
  const { progress, say } = world;
  const { client, key } = world.connect();
  progress("looking for a login");
  const endpoint = await liveEndpoint(client, { instanceId, key }, { deadline: Date.now() + world.patience });
  const machine: Machine = { instanceId, endpoint, key };
  progress(`asking training to save and end, ${order.stopGraceSeconds} s at most`);
  const said = await runScript(machine, stopScript(order));
  course.stopped = true;
  const words = printable(said.toString("utf8"));
  if (words !== "") say(words);
  const { files, bytes } = await pullCheckpoints({ ...machine, from, to }, progress);
  say(files === 0 ? "there are no checkpoints to fetch" : `${filesText(files)}, ${sizeText(bytes)}, verified in ${to}`);
}

/** Why it is kept, what is at stake, what it costs, and the way out. */
async function refusal(order: GateOrder, world: GateWorld, error: unknown, stopped: boolean): Promise<string> {
  const { instanceId, from, to } = order;
  const why = printable(error instanceof Error ? error.message : String(error), 600);
  return [
    `instance ${instanceId} is kept, because its checkpoints are not home: ${why}.`,
    `At stake is what training has saved in ${from} since they were last fetched; ${to} holds ${countText(to)}.`,
    `The instance goes on costing ${await costText(order, world)}.`,
    ...(stopped ? ["Training has been stopped; pulumi up starts it again."] : []),
    `Try again when the cause is mended, or give up its checkpoints by putting VAST_DISCARD_CHECKPOINTS=${instanceId} before the command.`,
  ].join(" ");
}

function countText(folder: string): string {
  try {
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    return filesText(files.length);
  } catch {
    return "nothing yet";
  }
}

function filesText(count: number): string {
  return count === 1 ? "1 file" : `${count} files`;
}

/** A stopped instance costs its disk alone; when Vast cannot be asked, the price at which it was rented. */
async function costText({ instanceId, pricePerHour }: GateOrder, world: GateWorld): Promise<string> {
  const instance = await ask(instanceId, world);
  const { phase, cause } = phaseOf(instance);
  if (instance === undefined) return perHour(pricePerHour);
  if (phase === "stopped" && cause !== "frozen" && instance.diskPerHour !== null) {
    return `${perHour(instance.diskPerHour)} for its disk`;
  }
  return perHour(instance.totalPerHour ?? pricePerHour);
}

/** It is only for the text, so whatever is wrong is left to the cause that the text names. */
async function ask(instanceId: number, world: GateWorld): Promise<Instance | undefined> {
  try {
    return await world.connect().client.instance(instanceId);
  } catch {
    return undefined;
  }
}
