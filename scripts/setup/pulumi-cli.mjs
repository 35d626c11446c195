import { closeSync, existsSync, openSync, readSync, realpathSync, statSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { isThere, linkTarget, linkTo, readJson, writeJson } from "./files.mjs";
import { binDir, cacheDir, modulesDir, pulumiDownload, versions } from "./paths.mjs";
import { buildPulumi } from "./pulumi-build.mjs";
import { allOnPath, isExecutable, run } from "./run.mjs";
import { Stop } from "./stop.mjs";

const link = join(binDir, "pulumi");
const stamp = join(modulesDir, ".vast-training-pulumi.json");

export const pulumiCli = {
  name: "Pulumi CLI",
  why: `${versions.pulumi} or newer plans and runs the launch`,
  get where() {
    return official() || ours() || cacheDir();
  },
  get size() {
    return official() || ours()
      ? "is there, to be linked"
      : "130 MB; where it must be built, 3.5 GB more for about 4 minutes";
  },
  ready: () => {
    const known = readJson(stamp);
    return known?.wanted === versions.pulumi && linkTarget(link) === known.file && sizeOf(known.file) === known.size;
  },
  run: async () => {
    const file = (await onPath()) || official() || ours() || (await download()) || (await build());
    linkTo(file, link);
    writeJson(stamp, { wanted: versions.pulumi, file, size: sizeOf(file) });
    console.log(`  Pulumi CLI: ${file}`);
  },
};

function sizeOf(file) {
  try {
    return statSync(file).size;
  } catch {
    return undefined;
  }
}

/** The user's own CLI, if it is a real binary (the npm wrapper breaks ^C), new enough, and can run Node programs. */
async function onPath() {
  const path = (process.env.PATH || "").split(delimiter).filter((folder) => !folder.includes("node_modules"));
  for (const file of allOnPath("pulumi", path.join(delimiter))) {
    if (isScript(file) || !hasLanguageHost(file)) continue;
    const { code, stdout } = await run(file, ["version"], { env: quiet(), timeoutSeconds: 20 });
    if (code === 0 && isNewEnough(stdout.trim())) return file;
  }
  return undefined;
}

function isScript(file) {
  const start = Buffer.alloc(2);
  const descriptor = openSync(file, "r");
  readSync(descriptor, start, 0, 2, 0);
  closeSync(descriptor);
  return start.toString() === "#!";
}

function hasLanguageHost(file) {
  return (
    existsSync(join(dirname(realpathSync(file)), "pulumi-language-nodejs")) || allOnPath("pulumi-language-nodejs")[0]
  );
}

/** Is a version such as "v3.260.1" at least the one wanted? Compares numbers, not text. */
export function isNewEnough(version) {
  const numbers = (text) => text.replace(/^v/, "").split("-")[0].split(".").map(Number);
  const [have, want] = [numbers(version), numbers(versions.pulumi)];
  if (have.length !== 3 || have.some(Number.isNaN)) return false;
  const differs = have.findIndex((number, place) => number !== want[place]);
  return differs === -1 || have[differs] > want[differs];
}

/** The CLI that Pulumi's own download has installed. */
function official() {
  return isExecutable(pulumiDownload()) ? pulumiDownload() : undefined;
}

function ours() {
  const folder = join(cacheDir(), "pulumi", versions.pulumi);
  return isThere(join(folder, "pulumi-resource-pulumi-nodejs")) ? join(folder, "pulumi") : undefined;
}

/** Pulumi's npm package downloads the CLI at first use. */
async function download() {
  const wrapper = join(modulesDir, "pulumi", "run.js");
  const env = quiet();
  delete env.PULUMI_VERSION;
  const options = { env, timeoutSeconds: 600, label: "asking Pulumi's download for the CLI" };
  const { code, output } = await run(join(binDir, "node"), [wrapper, "version"], options);
  const file = official();
  if (code === 0 && file) return file;
  const words = output.trim().split("\n").at(-1);
  console.log(`  Pulumi's download cannot be reached (${words}); the CLI is built from its Go modules instead.`);
  return undefined;
}

async function build() {
  try {
    await buildPulumi(join(cacheDir(), "pulumi"));
  } catch (error) {
    if (!(error instanceof Stop)) throw error;
    throw new Stop(
      `There is no Pulumi CLI, and it could not be made: ${error.message}\n  By hand, any one of these, then run this again:\n` +
        `    - install Pulumi ${versions.pulumi} or newer, as its documentation says, so that \`pulumi version\` works\n` +
        `    - copy an unpacked release to ${dirname(dirname(pulumiDownload()))}, so that ${pulumiDownload()} is there\n` +
        `    - install Go 1.25.11 or newer, so that it can be built here`,
    );
  }
  return ours();
}

/** The environment for a Pulumi CLI that only answers a question. */
export function quiet() {
  return { ...process.env, PULUMI_SKIP_UPDATE_CHECK: "true" };
}
