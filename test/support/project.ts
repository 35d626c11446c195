import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import type { CommandResult } from "../../scripts/lib/command.ts";
import { type SimulatorProcess, startSimulatorProcess } from "../../scripts/lib/simulator.ts";
import { openWorkspace, type Workspace } from "../../scripts/lib/workspace.ts";

export interface LoggedRequest {
  at: number;
  method: string;
  path: string;
  body: unknown;
  status: number;
}

/** A copy of the project on its own simulator, driven by the real Pulumi CLI. */
export interface Project extends Workspace {
  readonly simulator: SimulatorProcess;
  /** `pulumi` with `-s local` and no questions; an exit code that is not 0 is a result. */
  pulumi(command: string, ...args: string[]): Promise<CommandResult>;
  /** The same, and it must succeed. */
  works(command: string, ...args: string[]): Promise<string>;
  /** The stack's output for programs. */
  outputs(): Promise<Record<string, unknown>>;
  /** What the API was asked so far. */
  requests(): Promise<LoggedRequest[]>;
  /** A command on the rented machine, by the stack's own ssh command; its stdout, trimmed. */
  remote(command: string): Promise<string>;
}

/** Nobody is asked, and only an `up` that says so goes without its preview: a test reads that of the others nowhere. */
const UNASKED: Readonly<Record<string, readonly string[]>> = {
  up: ["--yes"],
  refresh: ["--yes", "--skip-preview"],
  destroy: ["--yes", "--skip-preview"],
};

/** Opens a project for one test. When the test ends, the ledger must have no living contract. */
export async function openProject(
  t: TestContext,
  env: NodeJS.ProcessEnv = {},
  simulatorArgs: readonly string[] = [],
): Promise<Project> {
  const workspace = openWorkspace({ env });
  let started: SimulatorProcess | undefined;
  // One hook, because hooks run in the order of their registration and the simulator's files are in the workspace.
  t.after(async () => {
    try {
      const ledger = await started?.ledger();
      assert.equal(ledger?.living ?? 0, 0, "nothing may go on billing after a test");
    } finally {
      await started?.stop();
      await workspace.close();
    }
  });
  const simulator = await startSimulatorProcess({ home: workspace.home, env: workspace.env, args: simulatorArgs });
  started = simulator;
  const project = projectOf(workspace, simulator);
  const init = await workspace.run("pulumi", ["stack", "init", "local", "--non-interactive"]);
  assert.equal(init.code, 0, init.stderr);
  return project;
}

function projectOf(workspace: Workspace, simulator: SimulatorProcess): Project {
  const pulumi: Project["pulumi"] = (command, ...args) =>
    workspace.run("pulumi", [command, "-s", "local", "--non-interactive", ...(UNASKED[command] ?? []), ...args]);
  const works: Project["works"] = async (command, ...args) => {
    const result = await pulumi(command, ...args);
    assert.equal(result.code, 0, `${result.command}\n${result.stdout}\n${result.stderr}`);
    return result.stdout + result.stderr;
  };
  const outputs: Project["outputs"] = async () => {
    const result = await workspace.run("pulumi", ["stack", "output", "__run", "-s", "local", "--json"]);
    assert.equal(result.code, 0, result.stderr);
    return JSON.parse(result.stdout) as Record<string, unknown>;
  };
  return {
    ...workspace,
    simulator,
    pulumi,
    works,
    outputs,
    requests: async () => (await simulator.get("/_sim/requests")) as LoggedRequest[],
    remote: async (command) => {
      const { sshCommand } = await outputs();
      const result = await workspace.run("sh", ["-c", `${sshCommand} ${quoted(command)}`]);
      assert.equal(result.code, 0, `${command}\n${result.stdout}\n${result.stderr}`);
      return result.stdout.trim();
    },
  };
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Names of the checkpoints that lie below a folder on this machine. */
export function checkpointsIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => /step_\d+$/.test(name));
}

const git = promisify(execFile);

/** Adds a commit to a branch of a bare repository, as a colleague's push does; answers with its id. */
export async function pushCommit(bare: string, branch: string, message: string): Promise<string> {
  const identity = ["-c", "user.name=colleague", "-c", "user.email=colleague@example.org"];
  const { stdout: tree } = await git("git", ["-C", bare, "rev-parse", `${branch}^{tree}`]);
  const { stdout } = await git("git", [
    "-C",
    bare,
    ...identity,
    "commit-tree",
    tree.trim(),
    "-p",
    branch,
    "-m",
    message,
  ]);
  await git("git", ["-C", bare, "update-ref", `refs/heads/${branch}`, stdout.trim()]);
  return stdout.trim();
}

/** The simulator's bare copy of the example. */
export function exampleRepositoryOf(project: Project): string {
  return join(project.home, "simulator", "git", "tiny-train");
}
