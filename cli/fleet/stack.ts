import { readFileSync } from "node:fs";
import { type Ended, runProgram } from "../../components/programs/program.ts";
import { type Address, isOf } from "../../components/pulumi/addresses.ts";
import { SHELLENV } from "../../components/pulumi/own-command.ts";
import { exitCode, Failure } from "../command/failure.ts";
import { projectOf } from "./project.ts";

/** A resource as recorded in the stack's state; secrets stay encrypted. */
export interface StackResource {
  readonly type: string;
  readonly urn: string;
  readonly id?: string;
  readonly outputs: Readonly<Record<string, unknown>>;
  /** The resource was replaced and is still to be deleted. */
  readonly delete?: boolean;
}

/** The present state of a stack, even while `up` is running. */
export interface Stack {
  readonly resources: readonly StackResource[];
}

/**
 * Reads the state of a stack with the Pulumi CLI. It exports the state, because outputs exist only after a successful
 * `up`, and a machine with trouble often comes from an `up` that failed.
 */
export async function readStack(cwd: string, env: NodeJS.ProcessEnv, stack: string | undefined): Promise<Stack> {
  const args = ["stack", "export", "--non-interactive", ...(stack === undefined ? [] : ["--stack", stack])];
  const resources = resourcesIn(await pulumi(args, projectOf(cwd), env));
  return { resources: resources.filter((resource) => resource.delete !== true) };
}

/** Our resource of that kind, unless it is only waiting for deletion. */
export function resourceOf(stack: Stack, address: Address): StackResource | undefined {
  return stack.resources.find((resource) => isOf(address, resource));
}

/** All resources of an export, including those that wait for deletion. */
export function resourcesIn(text: string): StackResource[] {
  const resources: (Omit<StackResource, "outputs"> & Partial<StackResource>)[] =
    JSON.parse(text).deployment?.resources ?? [];
  return resources.map((resource) => ({ ...resource, outputs: resource.outputs ?? {} }));
}

/** The output of `pulumi`. Throws Failure with Pulumi's own error. */
export async function pulumi(args: string[], cwd: string, env: NodeJS.ProcessEnv): Promise<string> {
  const options = { cwd, env: { ...env, PULUMI_SKIP_UPDATE_CHECK: "true" } };
  const ended = await runProgram(["pulumi", ...args], options);
  if (ended.code !== 0 || ended.cut !== undefined) throw pulumiFailure(ended, args.slice(0, 2).join(" "));
  return ended.stdout.toString("utf8");
}

/** Pulumi's own error, with the command to type. */
export function pulumiFailure(
  { code, stderr, unstarted }: Pick<Ended, "code" | "stderr" | "unstarted">,
  command = "stack export",
): Failure {
  const usage = (message: string) => new Failure(exitCode.usage, message);
  if (unstarted !== undefined) return usage(`The Pulumi CLI is not there. Run: npm run setup && ${SHELLENV}`);
  const text = stderr.trim().replace(/^error: /, "");
  if (/no stack selected/.test(text)) {
    return usage("No stack is selected. Add --stack STACK, or run: pulumi stack select STACK");
  }
  if (/no stack named/.test(text)) return usage(`${text}. The stacks there are: pulumi stack ls`);
  if (/PULUMI_ACCESS_TOKEN|login/.test(text)) {
    return usage(`Pulumi is not logged in. Run: ${SHELLENV}, or: pulumi login`);
  }
  if (/PULUMI_CONFIG_PASSPHRASE|passphrase must be set|incorrect passphrase/.test(text)) {
    return usage(`Pulumi has no passphrase for this stack. Run: ${SHELLENV}, or set PULUMI_CONFIG_PASSPHRASE_FILE`);
  }
  if (/currently locked by|Another update is currently in progress/.test(text)) {
    return new Failure(exitCode.failed, "the stack is locked. If nothing works on it any more: vast-run recover");
  }
  if (/\bEOF$/.test(text)) {
    const mend = "A killed command can leave a state that is kept in files so; this mends it: vast-run recover";
    return new Failure(exitCode.failed, `pulumi ${command}: ${text}. ${mend}`);
  }
  return new Failure(exitCode.failed, `pulumi ${command}: ${text || `it ended with exit code ${code}`}`);
}

/** The resources in a stack's state, including those that wait for deletion, which may still cost money. */
export interface StackState {
  /** Stack name for `pulumi -s`, or the file with the exported state. */
  readonly name: string;
  readonly resources: readonly StackResource[];
}

/** Number of exports at the same time: each is a process. */
const AT_ONCE = 3;

/**
 * The states of all stacks of the project in the current Pulumi backend. Throws Failure when one cannot be read,
 * because then it is unknown what it holds.
 */
export async function readStacks(cwd: string, env: NodeJS.ProcessEnv): Promise<StackState[]> {
  const project = projectOf(cwd);
  const listed: unknown = JSON.parse(await pulumi(["stack", "ls", "--json", "--non-interactive"], project, env));
  const names = Array.isArray(listed) ? listed.map((row) => String(row.name)) : [];
  const states: StackState[] = [];
  for (let next = 0; next < names.length; next += AT_ONCE) {
    const some = names.slice(next, next + AT_ONCE);
    states.push(...(await Promise.all(some.map((name) => readState(project, env, name)))));
  }
  return states;
}

/** The state of one stack of the project in that folder. Throws Failure when it cannot be read. */
export async function readState(project: string, env: NodeJS.ProcessEnv, name: string): Promise<StackState> {
  try {
    const text = await pulumi(["stack", "export", "--non-interactive", "--stack", name], project, env);
    return { name, resources: resourcesIn(text) };
  } catch (error) {
    throw unreadable(`the state of stack ${name}`, error);
  }
}

/** Reads a file written by `pulumi stack export`. Throws Failure when the file is something else. */
export function readStateFile(file: string): StackState {
  try {
    const text = readFileSync(file, "utf8");
    if (typeof JSON.parse(text).deployment !== "object") throw new Error("it is no output of pulumi stack export");
    return { name: file, resources: resourcesIn(text) };
  } catch (error) {
    throw unreadable(file, error);
  }
}

function unreadable(what: string, error: unknown): Failure {
  return new Failure(
    exitCode.failed,
    `${what} cannot be read, so what it holds is not known: ${(error as Error).message}`,
  );
}
