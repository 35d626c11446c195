import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { withLock } from "./lock.mjs";
import { modulesDir, versions } from "./paths.mjs";
import { run, tail, which } from "./run.mjs";
import { Stop } from "./stop.mjs";

const pulumiModule = "github.com/pulumi/pulumi";
const sdk = `${pulumiModule}/sdk/v3`;

/** Builds the CLI and its Node language host from their Go modules into <folder>/<version>, all at once or not at all. */
export async function buildPulumi(folder) {
  if (!which("go")) throw new Stop("Go is not on PATH");
  await withLock(`${folder}.lock`, "  Another set-up is building the Pulumi CLI: waiting for it.", async () => {
    const done = join(folder, versions.pulumi);
    if (existsSync(done)) return;
    removeLeftovers(folder);
    const work = join(folder, `.build-${process.pid}`);
    const remove = () => rmSync(work, { recursive: true, force: true });
    process.once("exit", remove);
    try {
      mkdirSync(join(work, "out"), { recursive: true });
      await buildInto(work);
      renameSync(join(work, "out"), done);
    } finally {
      remove();
      process.removeListener("exit", remove);
    }
  });
}

/** Removes the build folders of killed set-ups. We hold the lock, so every other build folder is one. */
function removeLeftovers(folder) {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder).filter((entry) => entry.startsWith(".build-"))) {
    rmSync(join(folder, name), { recursive: true, force: true });
  }
}

async function buildInto(work) {
  copyDynamicProvider(join(work, "out"));
  const cli = `${pulumiModule}/pkg/v3/cmd/pulumi`;
  const host = `${sdk}/nodejs/cmd/pulumi-language-nodejs`;
  const version = `v${versions.pulumi}`;
  const stampVersion = (value) => `-X ${sdk}/go/common/version.Version=${value}`;
  await buildOne(work, "pulumi", cli, [`${cli}@${version}`, `${sdk}@${version}`], stampVersion(version));
  const hostVersion = `v${versions.nodeLanguageHost}`;
  await buildOne(work, "pulumi-language-nodejs", host, [`${host}@${hostVersion}`], stampVersion(hostVersion));
}

/** The third program of a CLI is a script that comes with the SDK. */
function copyDynamicProvider(out) {
  const name = "pulumi-resource-pulumi-nodejs";
  copyFileSync(join(modulesDir, "@pulumi", "pulumi", name), join(out, name));
  chmodSync(join(out, name), 0o755);
}

async function buildOne(work, name, main, modules, flags) {
  const cwd = join(work, `module-${name}`);
  mkdirSync(cwd);
  const env = goEnvironment(work);
  const go = async (label, words) => {
    const { code, output } = await run("go", words, { cwd, env, label });
    if (code !== 0) throw new Stop(`\`go ${words.slice(0, 2).join(" ")}\` failed for ${name}:\n${tail(output)}`);
  };
  await go(`preparing ${name}`, ["mod", "init", "build"]);
  await go(`fetching the modules of ${name}`, ["get", ...modules]);
  const out = join(work, "out", name);
  const words = ["build", "-trimpath", "-tags", "osusergo,grpcnotrace", "-ldflags", `-s -w ${flags}`, "-o", out, main];
  await go(`building ${name}`, words);
}

/** Caches of its own, removed afterwards: they grow to 3.5 GB. */
function goEnvironment(work) {
  const caches = { GOPATH: join(work, "go"), GOMODCACHE: join(work, "modules"), GOCACHE: join(work, "cache") };
  return { ...process.env, ...caches, GOFLAGS: "-modcacherw", CGO_ENABLED: "0", GOWORK: "off", GO111MODULE: "on" };
}
