import { mkdtempSync, writeFileSync } from "node:fs";
import { basename, delimiter, join } from "node:path";
import { type SimulatorProcess, startSimulatorProcess } from "../scripts/lib/simulator.ts";
import { openWorkspace, projectDir, type Workspace } from "../scripts/lib/workspace.ts";
import { clientFolder } from "./client.ts";
import { type Measured, measureWork } from "./meter.ts";
import { type Profile, simulatorOptions } from "./profile.ts";

/** Where something is measured: a copy of the project, a simulator, and the official client on PATH. */
export interface Ground {
  readonly profile: Profile;
  readonly workspace: Workspace;
  readonly simulator: SimulatorProcess;
  /** `pulumi` on the stack `local`, measured; it must succeed. */
  pulumi(command: string, words?: readonly string[], onLine?: (line: string) => void): Promise<Measured>;
  /** `pulumi` on one of bench/programs, likewise. */
  program(name: string, env: NodeJS.ProcessEnv): Promise<(command: string, ...words: string[]) => Promise<Measured>>;
  /** `vast-run` on the stack `local`, likewise. */
  vastRun(command: string, ...words: string[]): Promise<Measured>;
  /** A shell text on the stack's machine, likewise. */
  machine(text: string): Promise<Measured>;
  /** Has the stack's training save and end. */
  endTraining(): Promise<unknown>;
  /** An output of the stack. */
  output(name: string): Promise<string>;
  /** Destroys the stack with whatever is on its machine. */
  discard(): Promise<void>;
  /** The official client's search for what the stack wants, likewise. */
  search(): Promise<Measured>;
  /** The calls of the API that an action makes. */
  calls<T>(action: () => Promise<T>): Promise<{ readonly value: T; readonly calls: readonly ApiCall[] }>;
  close(): Promise<void>;
}

/** A request that the simulator has answered. */
export interface ApiCall {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly endpoint: string;
  readonly status: number;
}

/** A project whose program is one of bench/programs, with a stack of its own. */
async function openProgram(workspace: Workspace, name: string, env: NodeJS.ProcessEnv) {
  const cwd = mkdtempSync(join(workspace.root, `${name}-`));
  const runtime = "runtime: {name: nodejs, options: {typescript: false}}";
  const main = join(projectDir, "bench", "programs", `${name}.ts`);
  writeFileSync(join(cwd, "Pulumi.yaml"), `name: bench-${basename(cwd)}\n${runtime}\nmain: ${main}\n`);
  const pulumi = (command: string, ...words: string[]) =>
    measureWork(workspace, ["pulumi", command, ...words, "--non-interactive"], { cwd, env });
  await pulumi("stack", "init", "bench");
  return (command: string, ...words: string[]) =>
    pulumi(command, ...(command === "preview" ? [] : ["--yes"]), "-s", "bench", ...words);
}

/** The brackets keep the pattern from fitting the shell that this is said to. */
const END_TRAINING = "pkill -TERM -f [s]rc/train.py; while pgrep -f [s]rc/train.py >/dev/null; do sleep 0.1; done";

const WANTED = "num_gpus=1 gpu_name=H100_SXM reliability>0.95 disk_space>=150 inet_down>=200";

export async function openGround(profile: Profile): Promise<Ground> {
  const workspace = openWorkspace();
  try {
    const vastaiFolder = await clientFolder();
    const { home, env } = workspace;
    const simulator = await startSimulatorProcess({ home, env, args: simulatorOptions(profile) });
    const ground = groundOn(workspace, profile, simulator, vastaiFolder);
    await measureWork(workspace, ["pulumi", "stack", "init", "local", "--non-interactive"]);
    return ground;
  } catch (error) {
    await workspace.close();
    throw error;
  }
}

function groundOn(workspace: Workspace, profile: Profile, simulator: SimulatorProcess, folder: string): Ground {
  const { url, apiKey } = simulator;
  const PATH = `${workspace.env.PATH}${delimiter}${folder}`;
  Object.assign(workspace.env, { PATH, VAST_URL: url, VASTAI_NO_UPDATE_CHECK: "1", NO_PROXY: "127.0.0.1" });
  const calls = async () => (await simulator.get("/_sim/requests")) as ApiCall[];
  const vastRun: Ground["vastRun"] = (command, ...words) =>
    measureWork(workspace, ["vast-run", command, "--stack", "local", ...words]);
  const output = async (name: string) =>
    (await measureWork(workspace, ["pulumi", "stack", "output", name, "-s", "local"])).result.stdout.trim();
  return {
    profile,
    workspace,
    simulator,
    pulumi: (command, words = [], onLine) => {
      const yes = command === "preview" ? [] : ["--yes"];
      const all = [command, "-s", "local", "--non-interactive", ...yes, ...words] as const;
      return measureWork(workspace, ["pulumi", ...all], onLine ? { onLine } : {});
    },
    program: (name, env) => openProgram(workspace, name, env),
    vastRun,
    machine: (text) => vastRun("ssh", text),
    endTraining: () => vastRun("ssh", END_TRAINING),
    output,
    discard: async () => {
      const env = { VAST_DISCARD_CHECKPOINTS: await output("instanceId") };
      const words = ["-s", "local", "--yes", "--skip-preview", "--non-interactive"] as const;
      await measureWork(workspace, ["pulumi", "destroy", ...words], { env });
    },
    search: () => measureWork(workspace, ["vastai", "--api-key", apiKey, "search", "offers", WANTED, "--type=bid"]),
    calls: async (action) => {
      const before = (await calls()).length;
      const value = await action();
      return { value, calls: (await calls()).slice(before) };
    },
    close: async () => {
      await simulator.stop();
      await workspace.close();
    },
  };
}
