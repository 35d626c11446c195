import { z } from "zod";
import type { Problem } from "../lib/problem.ts";

const names = z.array(z.string());

/**
 * Values of the stack config that were set with --secret. They pass through Pulumi's engine, which keeps them encrypted in
 * the state and shows them in its log at the highest level; credentials have a way of their own.
 *
 * @param env of the program, where Pulumi names them
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
