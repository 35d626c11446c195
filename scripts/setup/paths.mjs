// Plain JavaScript, here and in all of scripts/setup: it runs before Node 24 and any package are there.
import { homedir, userInfo } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const projectDir = resolve(dirname(fileURLToPath(import.meta.url)), "..", "..");
export const modulesDir = join(projectDir, "node_modules");
export const binDir = join(modulesDir, ".bin");

/** The versions that set-up installs. */
export const versions = {
  node: "24",
  pulumi: "3.259.0",
  nodeLanguageHost: "3.68.0",
  command: "1.2.1",
  docker: "5.2.0",
  uv: "0.13.9",
};

const home = () => process.env.HOME || homedir();

/** Shared by all clones of one user: things that can be made again. */
export function cacheDir() {
  return resolve(process.env.XDG_CACHE_HOME || join(home(), ".cache"), "vast-training");
}

/** Compiled JavaScript of the packages: saves about half a second of each command (Node's NODE_COMPILE_CACHE). */
export function compileCacheDir() {
  return join(cacheDir(), "compiled");
}

/** The same rule as components/lib/state-dir.ts, which an old Node cannot load. */
export function stateDir() {
  if (process.env.VAST_TRAINING_HOME) return resolve(process.env.VAST_TRAINING_HOME);
  return resolve(process.env.XDG_STATE_HOME || join(home(), ".local", "state"), "vast-training");
}

/** Pulumi's own folder, by its rule: it goes by the system's list of users, whatever HOME says. */
export function pulumiHome() {
  return resolve(process.env.PULUMI_HOME || join(registeredHome(), ".pulumi"));
}

/**
 * The URL of a backend of files. Without `metadata=skip` Pulumi keeps a second file beside each one and does not write it
 * in one step, so a command that is killed at the wrong moment leaves a state that Pulumi cannot read (gocloud.dev's
 * fileblob).
 */
export function fileBackend(folder) {
  return `file://${folder}?metadata=skip`;
}

/** Where Pulumi's npm package puts a CLI, by its own rule. */
export function pulumiDownload() {
  const folder = resolve(process.env.PULUMI_HOME || join(homedir(), ".pulumi"));
  return join(folder, "versions", versions.pulumi, "bin", "pulumi");
}

function registeredHome() {
  try {
    return userInfo().homedir;
  } catch {
    return home(); // a user that the system has no entry for
  }
}

/** A path as a person would write it. */
export function shown(path) {
  return path.startsWith(`${home()}/`) ? `~${path.slice(home().length)}` : path;
}

/** What puts the toolchain on the PATH of a shell. */
export const shellenv = 'eval "$(npm run -s shellenv)"';

/** Has the shell run `shellenv`? npm puts our folder on the PATH of its scripts, before what the shell has there. */
export function isOnPath(env = process.env) {
  const times = (env.PATH || "").split(delimiter).filter((folder) => folder === binDir).length;
  return times > (env.npm_lifecycle_event ? 1 : 0);
}
