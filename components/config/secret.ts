import { z } from "zod";
import type { Problem } from "../lib/problem.ts";

const names = z.array(z.string());

/**
 * Problems with values of the stack config that were set with --secret. They pass through Pulumi's engine, which
 * encrypts them in the state but shows them in its most detailed log. Credentials are forwarded in another way.
 *
 * @param env the program's environment, in which Pulumi lists these values
 */
export function secretConfigProblems(project: string, env: NodeJS.ProcessEnv): Problem[] {
  const prefix = `${project}:`;
  const own = secretNames(env).filter((name) => name.startsWith(prefix));
  return own.map((name) => {
    const key = name.slice(prefix.length);
    const write = `write it to ~/.env, name it in forward, and take it out: pulumi config rm ${key}`;
    return { key, found: "it is set with --secret, and Pulumi's log would show it", write };
  });
}

function secretNames(env: NodeJS.ProcessEnv): string[] {
  try {
    return names.parse(JSON.parse(env.PULUMI_CONFIG_SECRET_KEYS || "[]"));
  } catch {
    return [];
  }
}
