import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { isThere, linkTo, readJson, writeJson } from "./files.mjs";
import { binDir, cacheDir, pulumiHome, versions } from "./paths.mjs";
import { quiet } from "./pulumi-cli.mjs";
import { run } from "./run.mjs";

const names = ["command", "docker"];
const link = (name) => join(binDir, `pulumi-resource-${name}`);
const standIn = (name) => `../../scripts/plugins/pulumi-resource-${name}`;
const day = 24 * 60 * 60 * 1000;

/** Remembers for a day that Pulumi's plugins could not be downloaded, so that set-up stays quick. */
const memory = () => join(cacheDir(), "official-plugins.json");

export function pulumiPlugins({ refresh }) {
  return {
    name: "Pulumi's command and docker plugins",
    why: "they run the steps on the rented machine, and build images",
    where: join(pulumiHome(), "plugins"),
    size: "140 MB, where they can be downloaded",
    ready: () => !refresh && names.every((name) => (haveOfficial(name) ? !isThere(link(name)) : hasToDo(name))),
    run: async () => {
      for (const name of names) await bring(name, refresh);
    },
  };
}

/** Is the stand-in enough? It is while the official plugin is known to be out of reach. */
function hasToDo(name) {
  return wasUnreachable() && existsSync(link(name));
}

async function bring(name, refresh) {
  if (haveOfficial(name) || ((refresh || !wasUnreachable()) && (await download(name)))) {
    rmSync(link(name), { force: true });
    console.log(`  Pulumi's ${name} plugin: the official one, ${versions[name]}`);
    return;
  }
  linkTo(standIn(name), link(name));
  console.log(`  Pulumi's ${name} plugin: cannot be downloaded here; the stand-in of scripts/plugins is used instead`);
}

export function whichPlugins() {
  const standIns = names.filter((name) => isThere(link(name)));
  if (standIns.length === 0) return "official plugins";
  if (standIns.length === names.length) return "stand-in plugins";
  return `stand-in ${standIns.join()} plugin`;
}

function haveOfficial(name) {
  const folder = `resource-${name}-v${versions[name]}`;
  return existsSync(join(pulumiHome(), "plugins", folder, `pulumi-resource-${name}`));
}

function wasUnreachable() {
  const at = Date.parse(readJson(memory())?.unreachableAt);
  return Date.now() - at < day;
}

async function download(name) {
  const words = ["plugin", "install", "resource", name, versions[name]];
  const options = { env: quiet(), timeoutSeconds: 120, label: `asking Pulumi for the ${name} plugin` };
  await run(join(binDir, "pulumi"), words, options);
  if (haveOfficial(name)) return true;
  writeJson(memory(), { unreachableAt: new Date().toISOString() });
  return false;
}
