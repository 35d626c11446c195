import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { makeBase } from "./base.ts";
import { cacheDir, madeOnce } from "./cache.ts";
import { Container } from "./container.ts";
import { EXAMPLE, exampleFiles, type RepositoryFile } from "./example.ts";
import { requireNamespaces } from "./namespace.ts";
import { networkSettings } from "./network.ts";
import { MachineFiles } from "./storage.ts";
import { UV_VERSION, uvBinary } from "./uv.ts";

const run = promisify(execFile);

const PYTHON = "/usr/bin/python3";
const buildScript = join(import.meta.dirname, "build.sh");

/** Makes what the images are of, once: uv, the example's dependencies, ao_reference. Quick when they are there. */
export async function prepareImages(log: (line: string) => void): Promise<void> {
  await imageLayers(log);
}

/** The folder of the images' layers, by name; what is missing is made. */
export async function imageLayers(log: (line: string) => void = () => {}): Promise<string> {
  const files = await exampleFiles();
  return madeOnce(join(cacheDir(), "images", recipeOf(files)), async (work) => {
    log("making the images of the simulator's machines: uv, and the example's dependencies");
    makePytorch(join(work, "pytorch"));
    await makeCotOracle(join(work, "cot-oracle"), work, files);
    await run("chmod", ["-R", "go=rX", work]); // whatever this process's umask is
  });
}

/** Changes whenever the layers would: the interpreter is this machine's. */
function recipeOf(files: RepositoryFile[]): string {
  const hash = createHash("sha256");
  for (const { path, mode, content } of files) hash.update(`${mode} ${path} ${content.length}\n`).update(content);
  for (const script of [buildScript, import.meta.filename]) hash.update(readFileSync(script));
  hash.update(`${UV_VERSION} ${existsSync(PYTHON) && realpathSync(PYTHON)} ${process.arch}`);
  return hash.digest("hex").slice(0, 16);
}

/** Python and pip where conda has them; no uv, no environment. */
function makePytorch(layer: string): void {
  const bin = join(layer, "root/opt/conda/bin");
  mkdirSync(bin, { recursive: true });
  mkdirSync(join(layer, "local"));
  for (const name of ["python", "python3"]) symlinkSync(PYTHON, join(bin, name));
  for (const name of ["pip", "pip3"]) symlinkSync("/usr/bin/pip3", join(bin, name));
}

async function makeCotOracle(layer: string, work: string, files: RepositoryFile[]): Promise<void> {
  mkdirSync(join(layer, "local/bin"), { recursive: true });
  mkdirSync(join(layer, "root/workspace"), { recursive: true });
  copyFileSync(uvBinary(), join(layer, "local/bin/uv"));
  const base = join(work, "base");
  makeBase(base, process.env);
  const build = await MachineFiles.create(join(work, "build"), await requireNamespaces(work), [layer, base]);
  layOut(files, build.own("tmp/code"));
  await sync(build, join(work, "build.log"), base);
  renameSync(build.own("workspace/venvs"), join(layer, "root/workspace/venvs"));
  layOut(referenceFiles(files), join(layer, "root/workspace/ao_reference"));
  for (const name of ["base", "build", "build.log"]) rmSync(join(work, name), { recursive: true, force: true });
}

async function sync(build: MachineFiles, logFile: string, base: string): Promise<void> {
  build.renew();
  const env = { PATH: "/usr/local/bin:/usr/bin:/bin", HOME: "/root", NAME: EXAMPLE, UV_SYSTEM_CERTS: "1" };
  const container = new Container({
    files: build,
    hostname: "build",
    env: { ...networkSettings(process.env, join(base, "root")), ...env },
    command: ["/bin/bash", "-euc", readFileSync(buildScript, "utf8")],
    logFile,
  });
  if ((await container.ended) === 0) return;
  const words = readFileSync(logFile, "utf8").trim().split("\n").slice(-10).join("\n");
  throw new Error(`The image's dependencies could not be installed:\n${words}`);
}

/** The data that the training expects beside the code. */
function referenceFiles(files: RepositoryFile[]): RepositoryFile[] {
  const text = files.filter(({ path }) => path === "data/corpus.txt");
  return text.map((file) => ({ ...file, path: "datasets/corpus.txt" }));
}

function layOut(files: RepositoryFile[], folder: string): void {
  for (const { path, mode, content } of files) {
    const to = join(folder, path);
    mkdirSync(dirname(to), { recursive: true });
    if (mode === "120000") symlinkSync(content.toString(), to);
    else writeFileSync(to, content, { mode: 0o644 });
  }
}
