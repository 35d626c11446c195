import { unknownValue } from "@pulumi/pulumi/runtime/rpc.js";
import type { Connection } from "./connection.ts";
import { isSecret, reveal } from "./secrets.ts";

/** What a remote.Command is asked to do, in plain values. */
export interface CommandInputs {
  connection: Connection;
  create?: string;
  update?: string;
  delete?: string;
  stdin?: string;
  environment?: Record<string, string>;
  triggers?: unknown[];
  logging?: "stdout" | "stderr" | "stdoutAndStderr" | "none";
  addPreviousOutputInEnv?: boolean;
}

export interface CommandOutputs extends CommandInputs {
  stdout?: string;
  stderr?: string;
}

export interface InputProblem {
  property: string;
  reason: string;
}

/** Properties as Pulumi sends them: secrets are wrapped, unknown values are one sentinel text. */
export type Properties = Record<string, unknown>;

const names = [
  "connection",
  "create",
  "update",
  "delete",
  "stdin",
  "environment",
  "triggers",
  "logging",
  "addPreviousOutputInEnv",
] as const;

const connectionDefaults = { port: 22, user: "root", dialErrorLimit: 10, perDialTimeout: 15 };

/** The official plugin's defaults filled in; outputs of an earlier run keep stdout and stderr. */
export function plainValues(properties: Properties): CommandOutputs {
  const { connection, ...rest } = reveal(properties) as unknown as CommandOutputs;
  return { ...rest, connection: { ...connectionDefaults, ...connection } };
}

/** Names of the inputs that differ between the state and what is wanted now. */
export function changedInputs(olds: Properties, news: Properties): string[] {
  const [before, after] = [plainValues(olds), plainValues(news)];
  return names.filter((name) => canonical(before[name]) !== canonical(after[name]));
}

/** JSON with sorted keys: another order of keys is no change. */
export function canonical(value: unknown): string {
  return JSON.stringify(value ?? null, (_, inner: unknown) => {
    if (inner === null || typeof inner !== "object" || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

const unsupported = ["password", "privateKeyPassword", "proxy"] as const;

export function inputProblems(properties: Properties): InputProblem[] {
  return [...unknownNames(properties), ...connectionProblems(properties), ...secretCommands(properties)];
}

function unknownNames(properties: Properties): InputProblem[] {
  const known = new Set<string>(names);
  const extra = Object.keys(properties).filter((name) => !known.has(name) && !/^(__|version$)/.test(name));
  return extra.map((property) => ({ property, reason: "is not an input of remote.Command" }));
}

function connectionProblems(properties: Properties): InputProblem[] {
  const connection = reveal(properties.connection);
  if (connection === unknownValue) return [];
  if (connection === null || typeof connection !== "object") {
    return [{ property: "connection", reason: "is missing" }];
  }
  const problems: InputProblem[] = [];
  if (!("host" in connection)) problems.push({ property: "connection.host", reason: "is missing" });
  for (const name of unsupported) {
    if (!(name in connection)) continue;
    const reason =
      "is not known to this stand-in for the official plugin, which connects with privateKey or an agent only";
    problems.push({ property: `connection.${name}`, reason });
  }
  return problems;
}

/** Refuses secret commands: here a command is an argument of ssh, which others on this machine can read. */
function secretCommands(properties: Properties): InputProblem[] {
  const secret = (["create", "update", "delete"] as const).filter((name) => isSecret(properties[name]));
  const reason = "is secret, but would be seen in this machine's list of processes; pass what is secret on stdin";
  return secret.map((property) => ({ property, reason }));
}
