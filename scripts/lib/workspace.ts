import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { compileCacheDir, fileBackend, versions } from "../setup/paths.mjs";
import { type CommandOptions, type CommandResult, type RunningCommand, startCommand } from "./command.ts";
import { mountsBelow } from "./mounts.ts";

/** The project these scripts belong to. */
export const projectDir = join(import.meta.dirname, "..", "..");

export interface WorkspaceOptions {
  /** Where the workspace's folder is made. Default: the system's folder for temporary files. */
  parent?: string;
  /** Added to the environment of every command; undefined removes a variable. */
  env?: NodeJS.ProcessEnv;
}

export type WorkspaceCommandOptions = Partial<CommandOptions>;

/** A copy of the project with its own Pulumi backend and state directory: nothing of the user's is read or changed. */
export interface Workspace {
  /** Holds everything below; gone after close(). */
  readonly root: string;
  /** The copy of the project; commands run here. */
  readonly dir: string;
  /** Its VAST_TRAINING_HOME. */
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;
  start(file: string, args: readonly string[], options?: WorkspaceCommandOptions): RunningCommand;
  /** Runs a command to its end. An exit code that is not 0 is a result, not an error. */
  run(file: string, args: readonly string[], options?: WorkspaceCommandOptions): Promise<CommandResult>;
  /** Ends what still runs and removes the folder. */
  close(): Promise<void>;
}

const copied = /^(Pulumi(\..+)?\.yaml|package\.json|tsconfig\.json|index\.ts)$/;
/** Linked, not copied: nobody writes there, and Node finds the code that it has compiled by a file's path. */
const linked = ["components", "cli", "node_modules"];

export function openWorkspace(options: WorkspaceOptions = {}): Workspace {
  const root = mkdtempSync(join(options.parent ?? tmpdir(), "vast-"));
  const dir = join(root, "vast-training");
  const home = join(root, "home");
  try {
    for (const name of ["vast-training", "home", "backend", "pulumi", "tmp"])
      mkdirSync(join(root, name), { mode: 0o700 });
    copyProject(root, dir);
    sharePlugins(join(root, "pulumi"));
  } catch (error) {
    removeWorkspace(root);
    throw error;
  }
  const env = { ...environment(root, home), ...options.env };
  const running = new Set<RunningCommand>();

  const start: Workspace["start"] = (file, args, more = {}) => {
    const command = startCommand(file, args, { cwd: dir, ...more, env: { ...env, ...more.env } });
    running.add(command);
    const forget = () => running.delete(command);
    command.result.then(forget, forget);
    return command;
  };
  return {
    root,
    dir,
    home,
    env,
    start,
    run: (file, args, more) => start(file, args, more).result,
    close: async () => {
      for (const command of running) command.kill();
      await Promise.allSettled([...running].map((command) => command.result));
      removeWorkspace(root);
    },
  };
}

/** Removes a workspace's folder; refuses while something is mounted in it, because removing would go through the mount. */
export function removeWorkspace(root: string): void {
  const mounts = mountsBelow(root);
  if (mounts.length > 0) throw new Error(`${root} is not removed: something is still mounted at ${mounts.join(", ")}`);
  rmSync(root, { recursive: true, force: true });
}

function copyProject(root: string, dir: string): void {
  for (const name of readdirSync(projectDir).filter((entry) => copied.test(entry))) {
    cpSync(join(projectDir, name), join(dir, name));
  }
  for (const name of linked) symlinkSync(join(projectDir, name), join(dir, name));
  for (const name of readdirSync(dir).filter((entry) => /^Pulumi\..+\.yaml$/.test(entry))) {
    const file = join(dir, name);
    writeFileSync(file, withoutTheUser(readFileSync(file, "utf8"), root));
  }
}

/**
 * A stack's file without the salt, which belongs to another passphrase. It names the workspace's own credential files
 * (`env` and `netrc` in its root; missing = empty), so that nobody's tokens reach a machine of a test.
 */
function withoutTheUser(stackFile: string, root: string): string {
  const files = ["env", "netrc"].map((name) => `  vast-training:${name}File: ${join(root, name)}\n`).join("");
  return stackFile.replace(/^encryptionsalt:.*\n?/m, "").replace(/^config:\n/m, `config:\n${files}`);
}

/**
 * Pulumi's own folder is new (stack selection, credentials, logs), but shares the plugins that set-up has downloaded. A
 * stand-in plugin is installed there too: if it were found on PATH, Pulumi would warn of it in every command.
 */
function sharePlugins(pulumiHome: string): void {
  const ours = join(pulumiHome, "plugins");
  mkdirSync(ours);
  const theirs = join(process.env.PULUMI_HOME ?? join(homedir(), ".pulumi"), "plugins");
  for (const name of existsSync(theirs) ? readdirSync(theirs) : []) symlinkSync(join(theirs, name), join(ours, name));
  for (const name of ["command", "docker"] as const) {
    const standIn = join(projectDir, "node_modules", ".bin", `pulumi-resource-${name}`);
    const place = join(ours, `resource-${name}-v${versions[name]}`);
    if (!existsSync(standIn) || existsSync(place)) continue;
    mkdirSync(place);
    symlinkSync(standIn, join(place, `pulumi-resource-${name}`));
  }
}

/** Variables of the caller for Pulumi, Vast, training or ssh: left out, because they are about other stacks. */
const callers = /^(PULUMI_|VAST_|HF_TOKEN$|WANDB_|SSH_AUTH_SOCK$)/;

function environment(root: string, home: string): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !callers.test(name));
  return {
    ...Object.fromEntries(kept),
    PATH: `${join(projectDir, "node_modules", ".bin")}:${process.env.PATH ?? "/usr/bin:/bin"}`,
    TMPDIR: join(root, "tmp"), // Pulumi's language host leaves folders in there
    PULUMI_HOME: join(root, "pulumi"),
    PULUMI_BACKEND_URL: fileBackend(join(root, "backend")),
    PULUMI_CONFIG_PASSPHRASE: "only for this workspace",
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_IGNORE_AMBIENT_PLUGINS: "true",
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE || compileCacheDir(),
    VAST_TRAINING_HOME: home,
  };
}
