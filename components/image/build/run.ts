import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { StateDir } from "../../lib/state-dir.ts";
import { startProgram } from "../../programs/program.ts";
import { diagnosticIn } from "../../pulumi/events.ts";
import type { ImageLogin } from "../../vast/rental/image-pull.ts";
import type { BuildFiles } from "./files.ts";
import { buildErrorIn, buildProgressIn } from "./output.ts";

/** What is built and pushed, where, and with which login. Holds no secret. */
export interface BuildJob {
  /** The engine, as DOCKER_HOST says it. */
  readonly host: string;
  /** Words for ssh, where the engine is behind it. */
  readonly sshOpts?: readonly string[];
  /** Folder of the files. */
  readonly context: string;
  /** Full names with tags; the first is looked up later, the others move. */
  readonly names: readonly string[];
  readonly login: ImageLogin;
}

export interface BuildWatch {
  /** Shows progress. */
  readonly show: (text: string) => void;
  readonly signal: AbortSignal;
}

const ROOT = resolve(import.meta.dirname, "../../..");
const DAY_MS = 86_400_000;
/** Ends the build when this process ends. */
const TETHER = join(import.meta.dirname, "tether.ts");

/** Builds and pushes. Rejects with the last lines of what failed; nothing but the image is left. */
export async function runBuild(
  dir: Pick<StateDir, "path">,
  files: BuildFiles,
  job: Omit<BuildJob, "context">,
  watch: BuildWatch,
): Promise<void> {
  const folder = openFolder(dir);
  try {
    const context = join(folder, "context");
    for (const [name, text] of Object.entries(files)) writeFileSync(join(context, name), text, { mode: 0o644 });
    const env = { ...environment(folder), VAST_TRAINING_BUILD: JSON.stringify({ ...job, context }) };
    await pulumi(folder, ["stack", "init", "build"], env, { ...watch, show: () => {} });
    const up = ["up", "--stack", "build", "--yes", "--skip-preview", "--suppress-outputs"];
    await pulumi(folder, [...up, "--json"], env, watch);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A Pulumi project with its own state, for this once. */
function openFolder({ path }: Pick<StateDir, "path">): string {
  const all = join(path, "build");
  mkdirSync(all, { recursive: true, mode: 0o700 });
  for (const name of readdirSync(all)) {
    const age = Date.now() - (statSync(join(all, name), { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > DAY_MS) rmSync(join(all, name), { recursive: true, force: true });
  }
  const folder = mkdtempSync(join(all, "build-"));
  for (const name of ["context", "backend"]) mkdirSync(join(folder, name));
  const project = "name: image\nruntime: {name: nodejs, options: {typescript: false}}\nmain: ./index.js\n";
  writeFileSync(join(folder, "Pulumi.yaml"), project);
  writeFileSync(join(folder, "package.json"), '{"name": "image", "type": "module"}\n');
  writeFileSync(join(folder, "index.js"), `import ${JSON.stringify(join(import.meta.dirname, "program.ts"))};\n`);
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  return folder;
}

/** The environment without the calling stack's backend, passphrase and logs. */
function environment(folder: string): NodeJS.ProcessEnv {
  const kept = /^PULUMI_(HOME|SKIP_UPDATE_CHECK|IGNORE_AMBIENT_PLUGINS)$/;
  const outer = Object.entries(process.env).filter(([name]) => !name.startsWith("PULUMI_") || kept.test(name));
  return {
    ...Object.fromEntries(outer),
    PATH: `${join(ROOT, "node_modules", ".bin")}:${process.env.PATH ?? "/usr/bin:/bin"}`,
    TMPDIR: folder,
    PULUMI_BACKEND_URL: `file://${join(folder, "backend")}`,
    PULUMI_CONFIG_PASSPHRASE: randomBytes(16).toString("hex"),
  };
}

async function pulumi(
  folder: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  { show, signal }: BuildWatch,
): Promise<void> {
  signal.throwIfAborted();
  const words = [process.execPath, TETHER, "pulumi", ...args, "--non-interactive", "--color", "never"];
  // The terminal's ^C goes to the calling command, which tells us; the tether ends the build when its standard input
  // ends.
  const events: string[] = [];
  const child = startProgram(words, {
    cwd: folder,
    env,
    talks: true,
    ownGroup: true,
    // A long build prints much, and only its errors are kept.
    mostOutput: Number.POSITIVE_INFINITY,
    keepsOutput: false,
    onLine: (line) => {
      if (diagnosticIn(line)?.severity === "error") events.push(line);
      const text = buildProgressIn(line);
      if (text !== "") show(text);
    },
  });
  signal.addEventListener("abort", child.close);
  const { code, stderr, unstarted } = await child.ended;
  signal.removeEventListener("abort", child.close);
  if (unstarted !== undefined) throw unstarted;
  if (signal.aborted) throw new Error("the build was called off");
  if (code !== 0) throw new Error(`the image could not be built:\n${buildErrorIn(events, stderr)}`);
}
