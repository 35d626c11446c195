import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { isThere, linkTo, readJson, writeJson } from "./files.mjs";
import { binDir, cacheDir, pulumiHome, versions } from "./paths.mjs";
import { quiet } from "./pulumi-cli.mjs";
import { run } from "./run.mjs";

const link = join(binDir, "pulumi-resource-command");
const standIn = "../../scripts/plugins/pulumi-resource-command";
const day = 24 * 60 * 60 * 1000;

/** That Pulumi's plugins could not be downloaded is remembered for a day, so that set-up stays quick. */
const memory = () => join(cacheDir(), "official-plugins.json");

export function commandPlugin({ refresh }) {
  return {
    name: "Pulumi's command plugin",
    why: "runs the steps on the rented machine",
    where: join(pulumiHome(), "plugins"),
    size: "60 MB, where it can be downloaded",
    ready: () => !refresh && (haveOfficial() ? !isThere(link) : wasUnreachable() && existsSync(link)),
    run: async () => {
      if (haveOfficial() || ((refresh || !wasUnreachable()) && (await download()))) {
        rmSync(link, { force: true });
        console.log(`  Pulumi's command plugin: the official one, ${versions.command}`);
        return;
      }
      linkTo(standIn, link);
      console.log(
        "  Pulumi's command plugin: cannot be downloaded here; the stand-in of scripts/plugins is used instead",
      );
    },
  };
}

export function whichCommandPlugin() {
  return isThere(link) ? "stand-in command plugin" : "official command plugin";
}

function haveOfficial() {
  return existsSync(join(pulumiHome(), "plugins", `resource-command-v${versions.command}`, "pulumi-resource-command"));
}

function wasUnreachable() {
  const at = Date.parse(readJson(memory())?.unreachableAt);
  return Date.now() - at < day;
}

async function download() {
  const words = ["plugin", "install", "resource", "command", versions.command];
  const options = { env: quiet(), timeoutSeconds: 120, label: "asking Pulumi for the command plugin" };
  await run(join(binDir, "pulumi"), words, options);
  if (haveOfficial()) return true;
  writeJson(memory(), { unreachableAt: new Date().toISOString() });
  return false;
}
