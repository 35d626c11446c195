import { readFileSync } from "node:fs";
import { exitCode, Failure } from "./failure.ts";
import { projectOf, pulumi, resourcesIn, type StackResource } from "./stack.ts";

/** What the state of one stack holds, resources that only wait for their deletion included: they may bill as well. */
export interface StackState {
  /** The name that `pulumi -s` takes, or the file it was exported to. */
  readonly name: string;
  readonly resources: readonly StackResource[];
}

/** Exports at a time: each is a process. */
const AT_ONCE = 3;

/**
 * The states of all stacks of the project in the backend that Pulumi is logged in to. Throws Failure when one of them
 * cannot be read: what it holds is not known then.
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

/** What `pulumi stack export` wrote elsewhere. Throws Failure when the file is something else. */
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
