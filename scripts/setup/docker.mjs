import { join } from "node:path";
import { disableServices, installPackages } from "./debian.mjs";
import { readJson, writeJson } from "./files.mjs";
import { cacheDir } from "./paths.mjs";
import { which } from "./run.mjs";
import { Stop } from "./stop.mjs";

/** The package of each program that the tests of images need. */
const packageOf = { dockerd: "docker.io", docker: "docker.io", "docker-registry": "docker-registry", ip: "iproute2" };

const day = 24 * 60 * 60 * 1000;

/** Remembers for a day that Docker cannot be installed, so that set-up stays quick. */
const memory = () => join(cacheDir(), "no-docker.json");

export function dockerEngine({ refresh }) {
  return {
    name: "Docker engine and registry",
    why: "the tests of images start an engine of their own; no service is started, and without one those tests are skipped",
    where: "the system",
    size: "290 MB",
    ready: () => missing().length === 0 || !which("apt-get") || (!refresh && wasRefused()),
    run: async () => bring(missing()),
  };
}

function missing() {
  const path = `${process.env.PATH}:/usr/sbin:/sbin`;
  return Object.keys(packageOf).filter((name) => !which(name, path));
}

async function bring(programs) {
  const names = [...new Set(programs.map((name) => packageOf[name]))];
  try {
    await installPackages(names);
    if (names.includes("docker.io")) {
      await disableServices("docker", ["docker.service", "docker.socket", "containerd.service"]);
    }
    if (names.includes("docker-registry")) await disableServices("docker-registry", ["docker-registry.service"]);
  } catch (error) {
    if (!(error instanceof Stop)) throw error;
    writeJson(memory(), { refusedAt: new Date().toISOString() });
    console.log(`  No Docker engine, so the tests that need one are skipped. ${error.message}`);
  }
}

function wasRefused() {
  return Date.now() - Date.parse(readJson(memory())?.refusedAt) < day;
}
