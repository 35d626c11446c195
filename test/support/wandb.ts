import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import { cacheDir, madeOnce } from "../../simulator/hosts/cache.ts";
import { uvBinary } from "../../simulator/hosts/uv.ts";

const run = promisify(execFile);

const VERSION = "0.31.0";

/** Python with the wandb package in it, installed once for all checkouts; undefined = it cannot be had here. */
export async function pythonWithWandb(t: TestContext): Promise<string | undefined> {
  const place = join(cacheDir(), `wandb-${VERSION}`);
  const python = join(place, "bin", "python");
  if (existsSync(python)) return python;
  try {
    await madeOnce(place, install);
    return python;
  } catch (error) {
    t.skip(`wandb ${VERSION} cannot be installed: ${error instanceof Error ? error.message.slice(0, 500) : error}`);
    return undefined;
  }
}

/** Fills an empty folder. */
async function install(place: string): Promise<void> {
  const env = { ...process.env, UV_SYSTEM_CERTS: "1", UV_PYTHON_DOWNLOADS: "never", VIRTUAL_ENV: undefined };
  await run(uvBinary(), ["venv", "--quiet", "--no-config", place], { env });
  const words = ["pip", "install", "--quiet", "--no-cache", "--no-config", "--python", join(place, "bin", "python")];
  await run(uvBinary(), [...words, `wandb==${VERSION}`], { env });
}

/** What a run that was logged offline says of itself. */
export interface OfflineRun {
  readonly id: string;
  readonly project: string;
  readonly name: string;
  readonly tags: readonly string[];
}

/** The file is LevelDB's log of records, behind seven bytes of wandb's own. */
const READ = `
import glob, json, struct, sys
from wandb.proto import wandb_internal_pb2

def records(data, at=7, block=32768):
    part = b""
    while at + 7 <= len(data):
        left = block - at % block
        if left < 7:
            at += left
            continue
        length, kind = struct.unpack("<HB", data[at + 4 : at + 7])
        part += data[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # whole, or the last part
            yield part
            part = b""

runs = []
for file in sorted(glob.glob(sys.argv[1] + "/offline-run-*/run-*.wandb")):
    for data in records(open(file, "rb").read()):
        record = wandb_internal_pb2.Record()
        record.ParseFromString(data)
        if record.WhichOneof("record_type") == "run":
            run = record.run
            runs.append({"id": run.run_id, "project": run.project, "name": run.display_name, "tags": list(run.tags)})
            break
print(json.dumps(runs))
`;

/** Reads the files below a folder `wandb`, oldest first. */
export async function offlineRuns(python: string, folder: string): Promise<OfflineRun[]> {
  const { stdout } = await run(python, ["-c", READ, folder], { maxBuffer: 16 * 1024 * 1024 });
  return JSON.parse(stdout) as OfflineRun[];
}
