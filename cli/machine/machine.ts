import { openStateDir } from "../../components/lib/state-dir.ts";
import { pinHostKey } from "../../components/ssh/known-hosts.ts";
import { writeSshConfig } from "../../components/ssh/ssh-config.ts";
import { ownSshKey, type SshKey, sshArgs } from "../../components/ssh/ssh-key.ts";
import { type ApiTarget, openApi, targetIn } from "../../components/vast/client/api.ts";
import type { VastClient } from "../../components/vast/client/client.ts";
import { isPassing, isVastError } from "../../components/vast/client/errors.ts";
import { phaseOf } from "../../components/vast/client/phase.ts";
import { stackOf } from "../../components/vast/journal/journal.ts";
import { type LiveEndpoint, type LiveOptions, liveEndpoint } from "../../components/vast/ready/live-endpoint.ts";
import { type OptionValues, type Terminal, textOption } from "../command/command.ts";
import { exitCode, Failure } from "../command/failure.ts";
import { readStack, resourceOf, type Stack, type StackResource } from "../fleet/stack.ts";

/** A stack's instance, and how to log in. */
export interface StackMachine {
  readonly stack: Stack;
  /** Name of the stack without its organisation. */
  readonly name: string | undefined;
  readonly instanceId: number;
  readonly client: VastClient;
  readonly key: SshKey;
  /** An address that lets us in now; asked from Vast, because ports change when a machine restarts. */
  readonly endpoint: LiveEndpoint;
}

/** Seconds to wait for a working login; short, because the machine should be up. */
const patience = 30;

/** Finds the machine of the stack and an endpoint that lets us in. Throws Failure or VastError. */
export async function openMachine(
  values: OptionValues,
  terminal: Terminal,
  signal?: AbortSignal,
): Promise<StackMachine> {
  const name = textOption(values, "stack");
  // Both take time, so each is begun before the other is there.
  const [stack, { VastClient }] = await Promise.all([
    readStack(terminal.cwd, terminal.env, name),
    import("../../components/vast/client/client.ts"),
  ]);
  const recorded = recordedInstance(stack, name);
  const client = new VastClient(openApi(recorded.api, terminal.env));
  return enterMachine({ stack, recorded, client }, terminal.env, {
    deadline: Date.now() + patience * 1000,
    ...(signal === undefined ? {} : { signal }),
  });
}

/** A machine that is in a state which was read, and the API that has it. */
export interface Known extends Pick<StackMachine, "stack" | "client"> {
  readonly recorded: RecordedInstance;
}

/** Finds an endpoint of the machine that lets us in. Throws Failure or VastError. */
export async function enterMachine(
  { stack, recorded, client }: Known,
  env: NodeJS.ProcessEnv,
  options: LiveOptions,
): Promise<StackMachine> {
  const key = sshKey(recorded.sshKeyFile, env);
  if (recorded.hostKey !== "") pinHostKey(key.knownHostsFile, recorded.instanceId, recorded.hostKey);
  const access = { instanceId: recorded.instanceId, key };
  const endpoint = await liveEndpoint(client, access, options);
  writeSshConfig({ ...access, host: endpoint.host, port: endpoint.port, stack: recorded.stack });
  return { stack, name: recorded.stack, instanceId: recorded.instanceId, client, key, endpoint };
}

/** Does the machine not exist any more? */
export function isOver(error: unknown): boolean {
  return isVastError(error, "no_such_instance") || (error instanceof Failure && error.code === exitCode.noInstance);
}

/** Is the machine over, stopped, or out of reach? */
export function isAway(error: unknown): boolean {
  return isOver(error) || isVastError(error, "not_running", "no_login") || isPassing(error);
}

/** What brings a machine back that does not run: "pulumi up --refresh -s dev bids again". */
export async function againText({ client, instanceId, name }: StackMachine): Promise<string> {
  const { cause } = phaseOf(await client.instance(instanceId).catch(() => undefined));
  const stack = name === undefined ? "" : ` -s ${name}`;
  return `pulumi up --refresh${stack} ${cause === "outbid" ? "bids again" : "starts it again"}`;
}

/** The words of an ssh command for the machine; a remote command may follow. */
export function sshWords(machine: StackMachine, batch: boolean): string[] {
  const { key, endpoint, instanceId } = machine;
  return ["ssh", ...sshArgs({ ...key, instanceId, port: endpoint.port, batch }), `root@${endpoint.host}`];
}

export interface RecordedInstance {
  /** Name of the stack without its organisation. */
  stack: string | undefined;
  instanceId: number;
  api: ApiTarget;
  sshKeyFile: string;
  hostKey: string;
}

/** The instance as recorded in the state. */
export function recordedInstance(stack: Stack, name: string | undefined): RecordedInstance {
  const resource = resourceOf(stack, "instance");
  const instanceId = Number(resource?.outputs.instanceId ?? resource?.id);
  if (!resource || !Number.isSafeInteger(instanceId) || instanceId <= 0) {
    const which = name === undefined ? "The selected stack" : `Stack ${name}`;
    throw new Failure(exitCode.noInstance, `${which} has no instance; pulumi up rents one`);
  }
  const text = (output: string) => textOutput(resource, output);
  return {
    stack: stackOf(resource),
    instanceId,
    api: targetIn(resource.outputs),
    sshKeyFile: text("sshKeyFile"),
    hostKey: text("hostKey"),
  };
}

function textOutput(resource: StackResource, name: string): string {
  const value = resource.outputs[name];
  return typeof value === "string" ? value : "";
}

function sshKey(configured: string, env: NodeJS.ProcessEnv): SshKey {
  try {
    return ownSshKey(openStateDir(env), configured);
  } catch (error) {
    throw new Failure(exitCode.usage, (error as Error).message);
  }
}
