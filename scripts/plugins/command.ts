/**
 * A stand-in for Pulumi's official command plugin where that one cannot be downloaded: the same protocol and the
 * same meaning, for remote.Command alone, over the system's ssh. Pulumi starts it as `pulumi-resource-command`.
 *
 * Two differences are deliberate: connections use a private key or an agent only, and a command that is itself
 * secret is refused, because it would be an argument of ssh.
 */
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { main, type Provider } from "@pulumi/pulumi/provider/index.js";
import { type CommandOutputs, changedInputs, inputProblems, type Properties, plainValues } from "./command-inputs.ts";
import { endWithEngine } from "./engine-end.ts";
import { runRemote } from "./remote.ts";
import { rowOpener } from "./row.ts";
import { conceal, reveal } from "./secrets.ts";

const version = "1.2.1";
const openRow = rowOpener(process.argv.at(-1));
const cancelled = new AbortController();

interface Streams {
  stdout?: unknown;
  stderr?: unknown;
}

/** Runs one of the resource's commands; `before` is what an earlier run printed. */
async function run(urn: string, command: string, wanted: CommandOutputs, before: Streams): Promise<Streams> {
  const row = openRow(urn);
  const logging = wanted.logging ?? "stdoutAndStderr";
  const previous = wanted.addPreviousOutputInEnv === false ? {} : previousOutput(before);
  try {
    const script = { command, stdin: wanted.stdin, environment: wanted.environment ?? {}, optional: previous };
    const result = await runRemote(wanted.connection, script, {
      status: row.status,
      warn: row.warn,
      onLine: (line, stream) => {
        if (logging === stream || logging === "stdoutAndStderr") row.status(line);
      },
      signal: cancelled.signal,
      sleep: (ms, signal) => sleep(ms, undefined, { signal }),
    });
    return { stdout: result.stdout.replace(/\n$/, ""), stderr: result.stderr.replace(/\n$/, "") };
  } finally {
    await row.flush();
  }
}

function previousOutput(before: Streams): Record<string, string> {
  const { stdout, stderr } = reveal(before) as { stdout?: string; stderr?: string };
  return {
    ...(stdout ? { PULUMI_COMMAND_STDOUT: stdout } : {}),
    ...(stderr ? { PULUMI_COMMAND_STDERR: stderr } : {}),
  };
}

function requireRemoteCommand(urn: string): void {
  const type = urn.split("::")[2]?.split("$").at(-1);
  if (type !== "command:remote:Command") {
    throw new Error(`The stand-in for the command plugin knows command:remote:Command only, not ${type}.`);
  }
}

const provider: Provider = {
  version,
  schema: JSON.stringify({ name: "command", version, resources: { "command:remote:Command": {} } }),

  async check(urn, _olds, news: Properties) {
    requireRemoteCommand(urn);
    const secret = news.connection === undefined ? {} : { connection: conceal(news.connection) };
    return { inputs: { ...news, ...secret }, failures: inputProblems(news) };
  },

  async diff(_id, _urn, olds: Properties, news: Properties) {
    const changed = changedInputs(olds, news);
    return { changes: changed.length > 0, replaces: changed.filter((name) => name === "triggers") };
  },

  async create(urn, inputs: Properties) {
    const wanted = plainValues(inputs);
    const streams = wanted.create === undefined ? noOutput : await run(urn, wanted.create, wanted, {});
    const name = urn.split("::").slice(3).join("::");
    return { id: name + randomBytes(4).toString("hex"), outs: { ...inputs, ...streams } };
  },

  async update(_id, urn, olds: Properties, news: Properties) {
    const wanted = plainValues(news);
    const before = { stdout: olds.stdout ?? "", stderr: olds.stderr ?? "" };
    const command = wanted.update ?? wanted.create;
    return { outs: { ...news, ...(command === undefined ? before : await run(urn, command, wanted, before)) } };
  },

  async delete(_id, urn, state: Properties) {
    const wanted = plainValues(state);
    if (wanted.delete === undefined) return;
    await run(urn, wanted.delete, wanted, { stdout: state.stdout, stderr: state.stderr });
  },

  async cancel() {
    cancelled.abort(new Error("cancelled"));
  },
};

const noOutput = { stdout: "", stderr: "" };

// Pulumi ends a plugin with SIGINT; leaving through exit() removes the key's folder.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(0));
endWithEngine(process.argv.at(-1));

await main(provider, process.argv.slice(2));
