import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { makeBase } from "./base.ts";
import { SYSTEM_PATH } from "./container.ts";
import { type HostPlace, RealHost } from "./host.ts";
import { imageOf, verdictOn } from "./images.ts";
import { imageLayers } from "./layers.ts";
import { requireNamespaces } from "./namespace.ts";
import { networkSettings } from "./network.ts";
import { isLocal, pullImage } from "./registry-images.ts";
import type { StorageKind } from "./storage.ts";
import type { HostSpec, Hosts } from "./types.ts";

export interface RealHostsOptions {
  /** A folder of their own; what a killed simulator left there is removed. */
  readonly home: string;
  /** How their files are kept; default: the best that this system has. */
  readonly storage?: StorageKind;
  /** Socket of the Docker engine that virtual machines have; default none. */
  readonly docker?: string;
  readonly log?: (line: string) => void;
}

/** The names of folders that are made in a home: the base, a trial, what was pulled, and one for each machine. */
const ours = /^(base|pulled|trial-.+|\d+)$/;

/**
 * Machines with a real sshd each, on this Linux, as root. Nothing of them outlives this process. Throws one sentence
 * that names what is missing.
 */
export async function realHosts(options: RealHostsOptions): Promise<Hosts> {
  const { home, log = () => {} } = options;
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const found = await requireNamespaces(home);
  const storage = options.storage ?? found;
  clean(home);
  if (storage === "copy") log("no overlays here: each machine gets a copy of its image, and /usr is read-only");
  const images = await imageLayers(log);
  const base = join(home, "base");
  makeBase(base, process.env);
  const network = networkSettings(process.env, join(base, "root"));
  const machines = new Set<Promise<RealHost>>();
  return {
    image: verdictOn,
    create: (spec) => {
      const machine = placeOf(spec).then((place) => RealHost.create(spec, place));
      machines.add(machine);
      return machine;
    },
    close: async () => {
      await Promise.allSettled([...machines].map(async (machine) => (await machine).destroy()));
      clean(home);
    },
  };

  async function placeOf({ id, image: reference, imageLogin, vm }: HostSpec): Promise<HostPlace> {
    const place = { folder: join(home, String(id)), storage, network, docker: vm ? options.docker : undefined };
    if (isLocal(reference)) {
      const { layer, path = SYSTEM_PATH } = await pullImage(reference, imageLogin, join(home, "pulled"));
      return { ...place, layers: [layer, base], path };
    }
    const image = imageOf(reference);
    if (image === undefined) throw new Error(`there is no image ${reference}`);
    return { ...place, layers: [join(images, image.layer), base], path: image.path };
  }
}

/** Removes only what has our names: the folder may hold other files. */
function clean(home: string): void {
  for (const name of readdirSync(home)) {
    if (ours.test(name)) rmSync(join(home, name), { recursive: true, force: true, maxRetries: 5 });
  }
}
