import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { CommandResult } from "../scripts/lib/command.ts";
import { projectDir, type Workspace, type WorkspaceCommandOptions } from "../scripts/lib/workspace.ts";

/** A process that was seen. */
export interface SeenProcess {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
  /** When it was first and last seen, seconds after the command's start. */
  readonly from: number;
  readonly to: number;
  /** Seconds of its own. */
  readonly cpu: number;
  /** Most bytes that were private to it. */
  readonly memory: number;
}

/** What a command took, with every process that it started. */
export interface Taken {
  readonly seconds: number;
  /** User and system, seconds. */
  readonly cpu: number;
  /** Most private bytes at a time, all processes together. */
  readonly memory: number;
  readonly processes: readonly SeenProcess[];
}

export interface Measured extends Taken {
  readonly result: CommandResult;
}

let measurements = 0;

/** Runs a command and measures it. Its exit code is a result, not an error. */
export async function measure(
  { root, run }: Workspace,
  [file, ...words]: readonly [string, ...string[]],
  options: WorkspaceCommandOptions = {},
): Promise<Measured> {
  measurements += 1;
  const report = join(root, "tmp", `taken-${measurements}.json`);
  const result = await run("python3", [join(projectDir, "bench", "meter.py"), report, file, ...words], options);
  if (!existsSync(report)) throw new Error(`${file} could not be measured:\n${result.stderr}`);
  return { ...(JSON.parse(readFileSync(report, "utf8")) as Taken), result };
}

/** The same of a command that must succeed. */
export async function measureWork(...call: Parameters<typeof measure>): Promise<Measured> {
  const measured = await measure(...call);
  const { code, command, stdout, stderr } = measured.result;
  if (code !== 0) throw new Error(`${command} ended with ${code}:\n${stdout}\n${stderr}`);
  return measured;
}
