import { projectOf } from "./project.ts";
import { pulumi } from "./stack.ts";

/** A stack's config as text by key, without the project's namespace. Throws Failure. */
export async function configTexts(
  cwd: string,
  env: NodeJS.ProcessEnv,
  stack: string | undefined,
): Promise<Record<string, string>> {
  const which = stack === undefined ? [] : ["--stack", stack];
  const printed = await pulumi(["config", "--json", "--non-interactive", ...which], projectOf(cwd), env);
  const config: Readonly<Record<string, { readonly value?: string }>> = JSON.parse(printed);
  const own = Object.entries(config).filter(([key]) => key.startsWith(NAMESPACE));
  return Object.fromEntries(own.map(([key, { value = "" }]) => [key.slice(NAMESPACE.length), value]));
}

const NAMESPACE = "vast-training:";
