import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { readJson } from "./files.mjs";
import { binDir, modulesDir, projectDir, versions } from "./paths.mjs";
import { run, tail, which } from "./run.mjs";
import { Stop } from "./stop.mjs";

const lockfile = join(projectDir, "package-lock.json");
const stamp = join(modulesDir, ".vast-training-lock");

export const packages = {
  name: "npm packages",
  why: "Pulumi's SDK, the checker, and Node 24, which runs TypeScript directly",
  where: modulesDir,
  size: "440 MB",
  ready: () => stampOf(lockfile) === readStamp() || adoptInstalled(),
  run: install,
};

async function install() {
  const path = (process.env.PATH || "").split(delimiter).filter((folder) => folder !== binDir); // npm ci removes it
  const env = { ...process.env, PATH: path.join(delimiter) };
  if (!which("npm", env.PATH))
    throw new Stop("npm is not on PATH. By hand: install Node.js with npm, then run this again.");
  const words = ["ci", "--include=dev", "--no-audit", "--no-fund", "--loglevel=error"];
  const { code, output } = await run("npm", words, { cwd: projectDir, env, label: "npm ci" });
  if (code !== 0) {
    throw new Stop(
      `npm ci failed:\n${tail(output)}\n  By hand: make \`npm ci\` work in ${projectDir}, then run this again.`,
    );
  }
  writeFileSync(stamp, stampOf(lockfile));
}

function stampOf(file) {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}

function readStamp() {
  try {
    return readFileSync(stamp, "utf8");
  } catch {
    return undefined;
  }
}

/** Accepts packages that were installed by hand if they are exactly those of the lockfile. */
function adoptInstalled() {
  const wanted = readJson(lockfile)?.packages;
  const installed = readJson(join(modulesDir, ".package-lock.json"))?.packages;
  if (!wanted || !installed) return false;
  const names = Object.keys(wanted).filter((name) => name !== "");
  const same = (name) =>
    installed[name]?.version === wanted[name].version || (wanted[name].optional && !installed[name]);
  if (!names.every(same) || Object.keys(installed).some((name) => !wanted[name])) return false;
  writeFileSync(stamp, stampOf(lockfile));
  return true;
}

export const node = {
  name: "Node",
  why: `checks that the Node of the packages is ${versions.node}`,
  ready: async () => isWanted(await nodeVersion()),
  run: async () => {
    throw new Stop(
      `node_modules/.bin/node is not Node ${versions.node} but: ${await nodeVersion()}. It comes with the npm package "node", by an install script. ` +
        "By hand: allow install scripts (npm config get ignore-scripts), then `npm rebuild node`.",
    );
  },
};

async function nodeVersion() {
  const { code, output } = await run(join(binDir, "node"), ["--version"], { timeoutSeconds: 30 });
  return code === 0 ? output.trim() : `missing (${output.trim()})`;
}

function isWanted(version) {
  return version.startsWith(`v${versions.node}.`);
}
