import { execFile } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

/** "overlay": layers are shared. "copy", for systems without overlays: layers are copied and /usr is read-only. */
export type StorageKind = "overlay" | "copy";

const run = promisify(execFile);

/** Folders laid over the image's layers; "usr" is laid over this machine's own /usr. */
const parts = ["root", "usr", "local"] as const;

/** A machine's files on disk, in the form that enter.sh wants. */
export class MachineFiles {
  readonly folder: string;
  readonly storage: StorageKind;

  private constructor(folder: string, storage: StorageKind) {
    this.folder = folder;
    this.storage = storage;
  }

  /** @param layers folders with `root` and `local`, the topmost first */
  static async create(folder: string, storage: StorageKind, layers: string[]): Promise<MachineFiles> {
    mkdirSync(join(folder, "machine"), { recursive: true, mode: 0o700 });
    mkdirSync(join(folder, "layers"));
    layers.forEach((layer, place) => {
      symlinkSync(layer, join(folder, "layers", String(place)));
    });
    for (const part of parts) {
      mkdirSync(join(folder, part, "upper"), { recursive: true });
      chmodSync(join(folder, part, "upper"), 0o755);
    }
    const files = new MachineFiles(folder, storage);
    if (storage === "copy") await files.#copy(layers);
    return files;
  }

  /** Where we write a path of the machine's root. Only before its first start. */
  own(path: string): string {
    return join(this.folder, "root", "upper", path);
  }

  /** Makes a folder of the machine's root and those above it, whatever this process's umask is. */
  ownFolder(path: string, mode = 0o755): void {
    mkdirSync(this.own(path), { recursive: true });
    for (let above = dirname(path); above !== "."; above = dirname(above)) chmodSync(this.own(above), 0o755);
    chmodSync(this.own(path), mode);
  }

  /** Empties the work folders: Linux refuses one whose overlay was ended without a sync. */
  renew(): void {
    if (this.storage === "copy") return;
    for (const part of parts) {
      const work = join(this.folder, part, "work");
      rmSync(work, { recursive: true, force: true });
      mkdirSync(work);
    }
  }

  async #copy(layers: string[]): Promise<void> {
    for (const layer of layers.toReversed()) {
      for (const part of readdirSync(layer)) {
        await run("cp", ["-a", "--reflink=auto", `${join(layer, part)}/.`, join(this.folder, part, "upper")]);
      }
    }
  }
}
