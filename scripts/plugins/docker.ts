/**
 * A stand-in for Pulumi's official docker plugin where that one cannot be downloaded: the same protocol and the same
 * meaning, for docker.Image alone, with the inputs that this project uses. Pulumi starts it as `pulumi-resource-docker`.
 *
 * Like the official one it talks to the engine itself, so it needs no docker program on this machine; a token goes into
 * one header of one request, and is in no file and no command line. Unlike the official one it does not read the user's
 * logins, and BuildKit pulls a Dockerfile's base images without a login.
 */
import { addressProblem, defaultHost, type EngineAddress } from "./docker/engine.ts";
import { type ImageOutputs, makeImage, ping } from "./docker/image.ts";
import { changedInputs, checked, type ImageInputs } from "./docker/inputs.ts";
import { endWithEngine } from "./engine-end.ts";
import { rowOpener } from "./row.ts";
import { conceal, reveal } from "./secrets.ts";
import { type CheckFailure, type Plugin, type Properties, serve } from "./serve.ts";

const version = "5.2.0";
const type = "docker:index/image:Image";
const settings = ["host", "sshOpts", "disableDockerDaemonCheck"];
const openRow = rowOpener(process.argv.at(-1));
const cancelled = new AbortController();
let engine: EngineAddress = { host: defaultHost(), sshOpts: [] };

function checkConfig(config: Properties): CheckFailure[] {
  const extra = Object.keys(config).filter((name) => !settings.includes(name) && !/^(__|version$)/.test(name));
  const reason = "is not known to this stand-in for the official plugin";
  const failures = extra.map((property) => ({ property, reason }));
  const host = reveal(config.host);
  const problem = typeof host === "string" && host.includes("://") ? addressProblem(host) : undefined;
  return problem === undefined ? failures : [...failures, { property: "host", reason: `${host}: ${problem}` }];
}

/** As in the official plugin, an engine behind ssh is not contacted before it is needed. */
async function configure(config: Properties): Promise<void> {
  const { host, sshOpts } = reveal(config) as { host?: string; sshOpts?: string };
  engine = { host: host || defaultHost(), sshOpts: sshOpts ? JSON.parse(sshOpts) : [] };
  const problem = addressProblem(engine.host);
  if (problem) throw new Error(`docker:host ${engine.host}: ${problem}`);
  if (engine.host.startsWith("ssh://")) return;
  try {
    await ping(engine, cancelled.signal);
  } catch (error) {
    throw new Error(`failed to connect to any docker daemon: ${(error as Error).message}`);
  }
}

/** The state holds the outputs and, as one secret, the inputs, as with the official plugin. */
async function make(urn: string, inputs: Properties): Promise<ImageOutputs & { __inputs: unknown }> {
  requireImage(urn);
  const row = openRow(urn);
  const wanted = reveal(inputs) as ImageInputs;
  try {
    const outputs = await makeImage({ engine, inputs: wanted, status: row.status, signal: cancelled.signal });
    return { ...outputs, __inputs: conceal(wanted) };
  } finally {
    await row.flush();
  }
}

function requireImage(urn: string): void {
  const found = urn.split("::")[2]?.split("$").at(-1);
  if (found !== type) throw new Error(`The stand-in for the docker plugin knows ${type} only, not ${found}.`);
}

const plugin: Plugin = {
  version,
  schema: { name: "docker", version, resources: { [type]: {} } },
  checkConfig,
  configure,
  async check(urn, news) {
    requireImage(urn);
    return checked(news);
  },
  diff: (_urn, olds, news) => changedInputs(olds, news),
  async create(urn, inputs) {
    const outs = await make(urn, inputs);
    return { id: outs.imageName, outs: { ...outs } };
  },
  update: async (urn, _olds, news) => ({ ...(await make(urn, news)) }),
  cancel: () => cancelled.abort(new Error("cancelled")),
};

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(0));
endWithEngine(process.argv.at(-1));

await serve(plugin);
