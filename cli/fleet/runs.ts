import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Event } from "../../components/events/event.ts";
import { jsonIn } from "../../components/lib/text.ts";
import { type OptionValues, type Terminal, textOption } from "../command/command.ts";
import { projectOf } from "./project.ts";
import { pulumi } from "./stack.ts";

/** The name of a stack without its organisation and project. */
const bare = (stack: string) => stack.split("/").at(-1) ?? stack;

/** The selected stack. Asks the Pulumi CLI; throws Failure when none is selected. */
async function selectedStack({ cwd, env }: Pick<Terminal, "cwd" | "env">): Promise<string> {
  return (await pulumi(["stack", "--show-name", "--non-interactive"], projectOf(cwd), env)).trim();
}

/** The selected stack, from the file in which Pulumi notes it; undefined = only the CLI can tell. */
function notedStack({ cwd, env }: Pick<Terminal, "cwd" | "env">): string | undefined {
  if (env.PULUMI_STACK) return bare(env.PULUMI_STACK);
  // Pulumi's pkg/workspace: one file for each path of a project, one entry for each backend.
  const hash = createHash("sha1")
    .update(join(projectOf(cwd), "Pulumi.yaml"))
    .digest("hex");
  const { stacks = {} } = objectIn(join(pulumiHome(env), "workspaces", `vast-training-${hash}-workspace.json`));
  const noted = (stacks as Record<string, unknown>)[backendUrl(env)];
  return typeof noted === "string" ? bare(noted) : undefined;
}

function pulumiHome(env: NodeJS.ProcessEnv): string {
  return env.PULUMI_HOME || join(env.HOME || homedir(), ".pulumi");
}

/** Where Pulumi keeps the stacks, without the CLI; "" = nobody has logged in. */
export function backendUrl(env: NodeJS.ProcessEnv): string {
  return env.PULUMI_BACKEND_URL || String(objectIn(join(pulumiHome(env), "credentials.json")).current ?? "");
}

function objectIn(file: string): Record<string, unknown> {
  try {
    return (jsonIn(readFileSync(file, "utf8")) ?? {}) as Record<string, unknown>;
  } catch {
    return {};
  }
}

/** The stack that a command is about: the one that was typed, else the selected one, else the only one of the log. */
export async function chosenStack(
  values: OptionValues,
  terminal: Pick<Terminal, "cwd" | "env">,
  log: readonly Event[],
): Promise<string> {
  const known = textOption(values, "stack") ?? notedStack(terminal);
  if (known !== undefined) return bare(known);
  const [only, ...others] = stacksIn(log);
  return only !== undefined && others.length === 0 ? only : bare(await selectedStack(terminal));
}

/** The label under which the stack last rented; undefined = the log has no rental of it. */
export function lastRun(events: readonly Event[], stack: string): string | undefined {
  const isOurs = (event: Event) => event.stack === stack && ["rented", "folded"].includes(event.what);
  return events.findLast(isOurs)?.run;
}

/** The stacks of which the log tells, by name. */
export function stacksIn(events: readonly Event[]): string[] {
  return [...new Set(events.flatMap(({ stack }) => stack ?? []))].sort();
}
