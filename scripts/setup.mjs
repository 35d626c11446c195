#!/usr/bin/env node
// Brings the toolchain; runs on Node 16 and newer, without any package. `npm run setup -- --help` says more.
import { createHash } from "node:crypto";
import { join } from "node:path";
import { vastRun } from "./setup/commands.mjs";
import { debianPackages } from "./setup/debian.mjs";
import { dockerEngine } from "./setup/docker.mjs";
import { gitFilter } from "./setup/git-filter.mjs";
import { images } from "./setup/images.mjs";
import { withLock } from "./setup/lock.mjs";
import { node, packages } from "./setup/packages.mjs";
import { cacheDir, isOnPath, projectDir, shellenv, shown } from "./setup/paths.mjs";
import { pulumiPlugins, whichPlugins } from "./setup/plugins.mjs";
import { pulumiCli } from "./setup/pulumi-cli.mjs";
import { endAll, which } from "./setup/run.mjs";
import { start } from "./setup/start.mjs";
import { Stop } from "./setup/stop.mjs";
import { uv } from "./setup/uv.mjs";

const help = `npm run setup [-- --for PURPOSE] [--refresh]

Brings what is missing: npm packages, the Pulumi CLI and its plugins. Needs no root and asks nothing.
  --for use          this, which is what it does by itself
  --for quickstart   also what the simulator's machines are made of (root on Debian)
  --for test         the same, for the tests, and a Docker engine and registry (installed, not started)
  --for check        the npm packages alone
  --refresh          asks again for what could not be downloaded before
`;

const purposes = ["use", "quickstart", "test", "check"];
const isRoot = process.platform === "linux" && process.getuid() === 0;

function readArguments(words) {
  if (words.includes("--help")) return undefined;
  const wish = { purpose: "use", refresh: false };
  for (let place = 0; place < words.length; place++) {
    if (words[place] === "--refresh") wish.refresh = true;
    else if (words[place] === "--for" && purposes.includes(words[place + 1])) wish.purpose = words[++place];
    else throw new Stop(`set-up does not know "${words[place]}".\n\n${help}`);
  }
  return wish;
}

function stepsFor({ purpose, refresh }) {
  if (purpose === "check") return [packages, node];
  const always = [packages, node, start, pulumiCli, pulumiPlugins({ refresh }), vastRun, gitFilter];
  if (purpose === "use" || !isRoot) return always;
  const engine = purpose === "test" ? [dockerEngine({ refresh })] : [];
  return [debianPackages, ...engine, ...always, uv, images];
}

/** Stops before anything is done when the purpose needs root. */
async function requireRoot(purpose) {
  if (isRoot || !["quickstart", "test"].includes(purpose)) return;
  const instead = `Without root, \`npm run setup\` brings the toolchain for a real run, and \`${shellenv}\` puts it on PATH.`;
  if (purpose === "quickstart") {
    throw new Stop(
      `The quickstart needs root on Linux: the simulator's machines are namespaces of their own, with an sshd in each. ${instead}`,
    );
  }
  for (const step of stepsFor({ purpose: "use", refresh: false })) {
    if (await step.ready()) continue;
    throw new Stop(`The tests lack: ${step.name}. As root, \`npm test\` installs everything. ${instead}`);
  }
}

async function pending(steps) {
  const answers = await Promise.all(steps.map((step) => step.ready()));
  return steps.filter((_, place) => !answers[place]);
}

function announce(steps) {
  console.log("Set-up brings what is missing:");
  for (const { name, why, where, size } of steps) {
    console.log(`- ${name}: ${why}${where ? ` (${shown(where)}, ${size})` : ""}`);
  }
}

async function bring(steps) {
  const clone = createHash("sha256").update(projectDir).digest("hex").slice(0, 16);
  const lock = join(cacheDir(), "locks", clone);
  await withLock(lock, "Another set-up is at work in this clone: waiting for it.", async () => {
    for (const step of steps) {
      if (await step.ready()) continue;
      const begin = Date.now();
      await step.run();
      if (!step.silent) console.log(`  ${step.name}: done, ${((Date.now() - begin) / 1000).toFixed(1)} s`);
    }
  });
}

/** Stops when a program that the system must provide is missing. */
function requirePrograms() {
  const missing = ["ssh", "ssh-keygen", "git", "rsync"].filter((name) => !which(name));
  if (missing.length === 0) return;
  throw new Stop(
    `The toolchain is there, but these programs are missing: ${missing.join(", ")}. By hand: install them (Debian: openssh-client, git, rsync).`,
  );
}

async function main() {
  const wish = readArguments(process.argv.slice(2));
  if (!wish) return console.log(help);
  await requireRoot(wish.purpose);
  const steps = stepsFor(wish);
  const todo = await pending(steps);
  if (todo.some((step) => !step.silent)) announce(todo);
  if (todo.length > 0) await bring(steps);
  if (wish.purpose === "check") return;
  requirePrograms();
  const more = wish.purpose === "use" ? "" : ", uv, images";
  const next = wish.purpose === "use" && !isOnPath() ? ` Next, in your shell: ${shellenv}` : "";
  console.log(`The toolchain is ready: Node 24, Pulumi, ${whichPlugins()}${more}.${next}`);
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.once(signal, () => {
    endAll();
    process.exit(130);
  });
}

try {
  await main();
} catch (error) {
  if (!(error instanceof Stop)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
