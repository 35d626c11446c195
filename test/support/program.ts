import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { type CommandResult, type RunningCommand, startCommand } from "../../scripts/lib/command.ts";
import { type SimulatorProcess, startSimulatorProcess } from "../../scripts/lib/simulator.ts";
import { projectDir } from "../../scripts/lib/workspace.ts";
import { fileBackend } from "../../scripts/setup/paths.mjs";
import { installInto } from "./installed.ts";
import { criteria } from "./request.ts";

/** A Pulumi program with an identity, an instance and a bid, on a simulator of its own. */
export interface Program {
  readonly simulator: SimulatorProcess;
  /** The folder of the program. */
  readonly dir: string;
  /** VAST_TRAINING_HOME. */
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;
  /** `pulumi` on its stack, without questions; `args` differ from the defaults of the instance. */
  pulumi(command: string, words?: readonly string[], args?: object): Promise<CommandResult>;
  /** The same, and it must succeed; what it printed. */
  works(command: string, words?: readonly string[], args?: object): Promise<string>;
  /** The same, not waited for; `heard` gets each line that it prints. */
  start(command: string, words?: readonly string[], args?: object, heard?: (line: string) => void): RunningCommand;
  outputs(): Promise<Record<string, unknown>>;
  state(): Promise<string>;
  /**
   * From the next `up` on Vast answers one list, before the rental, and no other until it is let go: what was rented does
   * not get ready meanwhile.
   */
  holdLists(): Promise<() => Promise<void>>;
}

const source = `
import { VastBid } from "./components/vast/instance/bid.ts";
import { RunIdentity } from "./components/run/identity.ts";
import { VastInstance } from "./components/vast/instance/instance.ts";
import { ownSshKey } from "./components/ssh/ssh-key.ts";
import { openStateDir } from "./components/lib/state-dir.ts";

const dir = openStateDir();
const api = { apiUrl: "simulator", apiKeyFile: "" };
const run = { owner: dir.owner, project: "tiny", stack: "dev", run: "run", singleUse: false, gate: null };
const identity = new RunIdentity("identity", { ...api, ...run });
const args = { ...JSON.parse(process.env.DEFAULTS ?? ""), ...JSON.parse(process.env.ARGS ?? "") };
const instance = new VastInstance("instance", {
  ...api,
  ...args,
  label: identity.label,
  publicKeys: [ownSshKey(dir, "").publicKey],
  sshKeyFile: "",
});
const { rental, maxPricePerHour, bidMarkup } = args;
new VastBid("bid", { ...api, rental, maxPricePerHour, bidMarkup, instanceId: instance.id });
export const { instanceId, label, offerId, machineId, gpu, gpus, pricePerHour, bidPerHour, diskGb } = instance;
export const { sshHost, sshPort, hostKey, phase, location, endsAt, quote } = instance;
`;

const defaults = { ...criteria, image: "japhba/cot-oracle", readyTimeoutMinutes: { machine: 2, total: 4 } };
/** Nobody is asked, and only an `up` that says so goes without its preview: a test reads that of the others nowhere. */
const UNASKED: Readonly<Record<string, readonly string[]>> = {
  up: ["--yes"],
  refresh: ["--yes", "--skip-preview"],
  destroy: ["--yes", "--skip-preview"],
};

/** When the test ends, the ledger must have no living contract. */
export async function openProgram(t: TestContext, project = "tiny"): Promise<Program> {
  const root = mkdtempSync(join(tmpdir(), "vast-program-"));
  const commands = new Set<RunningCommand>();
  let started: SimulatorProcess | undefined;
  t.after(async () => {
    const results = [...commands].map(({ result }) => result);
    for (const command of commands) command.kill();
    await Promise.allSettled(results);
    try {
      assert.equal((await started?.ledger())?.living ?? 0, 0, "nothing may go on billing after a test");
    } finally {
      await started?.stop();
      rmSync(root, { recursive: true, force: true });
    }
  });
  const { dir, home, env } = layOut(root, project);
  const simulator = await startSimulatorProcess({ home, env });
  started = simulator;
  const program = programOf(dir, home, env, simulator, commands);
  const init = await program.pulumi("stack", ["init", "dev"]);
  assert.equal(init.code, 0, init.stderr);
  return program;
}

/** Where a program lies, and what its commands find in their environment. */
export interface Layout {
  readonly dir: string;
  /** VAST_TRAINING_HOME. */
  readonly home: string;
  /** The folder of Pulumi's local backend. */
  readonly backend: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Writes the program below a folder, with a backend and a state directory of its own. */
export function layOut(root: string, project = "tiny"): Layout {
  const [dir, home, backend] = [join(root, "program"), join(root, "home"), join(root, "backend")];
  for (const folder of [dir, home, backend, join(root, "pulumi")]) mkdirSync(folder, { mode: 0o700 });
  writeProgram(dir, project);
  return { dir, home, backend, env: environment(root, home) };
}

function writeProgram(dir: string, project: string): void {
  const pulumi = `name: ${project}\nruntime: {name: nodejs, options: {typescript: false}}\nmain: ./index.ts\n`;
  writeFileSync(join(dir, "Pulumi.yaml"), pulumi);
  writeFileSync(join(dir, "package.json"), '{"name": "tiny", "type": "module"}\n');
  writeFileSync(join(dir, "index.ts"), source);
  symlinkSync(join(projectDir, "components"), join(dir, "components"));
  installInto(dir);
}

function environment(root: string, home: string): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(PULUMI_|VAST_|SSH_AUTH_SOCK$)/.test(name));
  return {
    ...Object.fromEntries(kept),
    PATH: `${join(projectDir, "node_modules", ".bin")}:${process.env.PATH}`,
    PULUMI_HOME: join(root, "pulumi"),
    PULUMI_BACKEND_URL: fileBackend(join(root, "backend")),
    PULUMI_CONFIG_PASSPHRASE: "only for this test",
    PULUMI_SKIP_UPDATE_CHECK: "true",
    VAST_TRAINING_HOME: home,
    DEFAULTS: JSON.stringify(defaults),
  };
}

function programOf(
  dir: string,
  home: string,
  env: NodeJS.ProcessEnv,
  simulator: SimulatorProcess,
  commands: Set<RunningCommand>,
): Program {
  const start: Program["start"] = (command, words = [], args = {}, heard = () => {}) => {
    const stack = command === "stack" ? [] : ["-s", "dev"];
    const all = [command, ...words, ...stack, "--non-interactive", ...(UNASKED[command] ?? [])];
    const more = { env: { ...env, ARGS: JSON.stringify(args) }, onLine: heard };
    const running = startCommand("pulumi", all, { cwd: dir, ...more });
    commands.add(running);
    void running.result.finally(() => commands.delete(running));
    return running;
  };
  const pulumi: Program["pulumi"] = (...call) => start(...call).result;
  const works: Program["works"] = async (...call) => {
    const result = await pulumi(...call);
    assert.equal(result.code, 0, `${result.command}\n${result.stdout}\n${result.stderr}`);
    return result.stdout + result.stderr;
  };
  return {
    simulator,
    dir,
    home,
    env,
    start,
    pulumi,
    works,
    outputs: async () => JSON.parse((await pulumi("stack", ["output", "--json", "-s", "dev"])).stdout),
    state: async () => (await pulumi("stack", ["export", "-s", "dev"])).stdout,
    holdLists: async () => {
      await simulator.post("/_sim/faults", { on: "GET /api/v1/instances/", do: "hold", after: 1, times: 0 });
      return async () => {
        for (const what of ["faults", "held"]) await fetch(`${simulator.url}/_sim/${what}`, { method: "DELETE" });
      };
    },
  };
}
