import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { uvBinary } from "../../simulator/hosts/uv.ts";
import { Repositories } from "../../simulator/stores/git.ts";

const source = join(import.meta.dirname, "cot-oracle");

/** Where its author keeps the data: nowhere else. */
const AUTHORS_DATASETS = "/ceph/scratch/author/activation_oracles/datasets";
const GITMODULES = `[submodule "ao_reference"]
\tpath = ao_reference
\turl = https://github.com/japhba/activation_oracles
`;

/** Which version of transformers each branch has in its lock. */
const branches: Readonly<Record<string, string>> = { jan: "4.57.6", main: "4.57.6", newest: "5.0.0" };

/** Where the mirror is, over git's own HTTP. */
export interface Mirror {
  readonly repo: string;
  /** Of the submodule, for `extraRepos`. */
  readonly reference: { readonly url: string; readonly commit: string };
}

/**
 * A mirror of cot-oracle as it is laid out: a submodule that no plain clone brings, a tracked link that leads nowhere, a
 * locked project, and a stand-in for its trainer. Served until the test ends.
 */
export async function serveCotOracle(t: TestContext): Promise<Mirror> {
  const root = mkdtempSync(join(tmpdir(), "cot-oracle-"));
  const url = await serveRepositories(t, root);
  const commit = makeReference(join(root, "activation_oracles"));
  makeMirror(join(root, "cot-oracle"), commit);
  return { repo: `${url}/cot-oracle`, reference: { url: `${url}/activation_oracles`, commit } };
}

/** Serves the bare repositories of a folder below this URL until the test ends; the folder goes then. */
export async function serveRepositories(t: TestContext, root: string): Promise<string> {
  const repositories = new Repositories(root, async (name) => {
    if (!existsSync(join(root, name, "HEAD"))) throw new Error("there is none of this name");
  });
  const server = createServer((request, response) => {
    void repositories.serve(request, response, new URL(request.url ?? "/", "http://127.0.0.1"));
  });
  t.after(() => {
    server.closeAllConnections();
    server.close();
    rmSync(root, { recursive: true, force: true });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/git`;
}

/** What the image has of it; answers with its commit. */
function makeReference(bare: string): string {
  const git = openTree(`${bare}.tree`);
  mkdirSync(join(`${bare}.tree`, "datasets"));
  cpSync("examples/tiny-train/data/corpus.txt", join(`${bare}.tree`, "datasets/corpus.txt"));
  git("add", "-A");
  git("commit", "-q", "-m", "Have data");
  makeBare(`${bare}.tree`, bare);
  return git("rev-parse", "HEAD").trim();
}

function makeMirror(bare: string, reference: string): void {
  const git = openTree(`${bare}.tree`);
  for (const [branch, transformers] of Object.entries(branches)) {
    layOut(`${bare}.tree`, transformers);
    git("checkout", "-q", "--orphan", branch);
    git("add", "-A", "-f");
    // As a clone without its submodules has it.
    git("update-index", "--add", "--cacheinfo", `160000,${reference},ao_reference`);
    git("commit", "-q", "-m", `Train on ${branch}`);
  }
  makeBare(`${bare}.tree`, bare);
}

/** A new work tree, and git in it. */
export function openTree(tree: string): (...words: string[]) => string {
  const author = ["-c", "user.name=author", "-c", "user.email=author@example.org"];
  mkdirSync(tree);
  const git = (...words: string[]) =>
    execFileSync("git", ["-C", tree, ...author, ...words], { stdio: "pipe", encoding: "utf8" });
  git("init", "-q", "-b", "main");
  return git;
}

/** Any commit may be fetched by its id, and without what is in the files, as on GitHub. */
export function makeBare(tree: string, bare: string): void {
  execFileSync("git", ["clone", "-q", "--bare", tree, bare], { stdio: "pipe" });
  for (const name of ["allowAnySHA1InWant", "allowFilter"])
    execFileSync("git", ["-C", bare, "config", `uploadpack.${name}`, "true"]);
}

/** Writes the files of a branch, with wheels and a lock that name no host. */
export function layOut(tree: string, transformers: string): void {
  for (const name of ["configs", "src"]) cpSync(join(source, name), join(tree, name), { recursive: true });
  const project = readFileSync(join(source, "pyproject.toml"), "utf8").replace("TRANSFORMERS", transformers);
  writeFileSync(join(tree, "pyproject.toml"), project);
  writeFileSync(join(tree, ".gitmodules"), GITMODULES);
  rmSync(join(tree, "datasets"), { force: true });
  symlinkSync(AUTHORS_DATASETS, join(tree, "datasets"));
  rmSync(join(tree, "vendor"), { recursive: true, force: true });
  mkdirSync(join(tree, "vendor"));
  makeWheel(join(tree, "vendor"), "torch", "2.6.0", "[console_scripts]\ntorchrun = torch.run:main\n");
  makeWheel(join(tree, "vendor"), "transformers", transformers, "");
  const env = { ...process.env, UV_PYTHON_DOWNLOADS: "never", VIRTUAL_ENV: undefined };
  execFileSync(uvBinary(), ["lock", "--quiet", "--offline", "--no-cache", "--no-config"], { cwd: tree, env });
}

const MAKE_WHEEL = `
import os, sys, zipfile
folder, name, version, scripts, to = sys.argv[1:]
info = f"{name}-{version}.dist-info"
files = {f"{name}/{file}": open(os.path.join(folder, file)).read() for file in os.listdir(folder) if file.endswith(".py")}
files[f"{info}/METADATA"] = f"Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n"
files[f"{info}/WHEEL"] = "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
files[f"{info}/entry_points.txt"] = scripts
files[f"{info}/RECORD"] = "".join(f"{file},,\\n" for file in [*files, f"{info}/RECORD"])
with zipfile.ZipFile(f"{to}/{name}-{version}-py3-none-any.whl", "w") as wheel:
    for file, text in files.items():
        wheel.writestr(zipfile.ZipInfo(file), text)
`;

function makeWheel(to: string, name: string, version: string, scripts: string): void {
  execFileSync("python3", ["-c", MAKE_WHEEL, join(source, "vendor", name), name, version, scripts, to]);
}
