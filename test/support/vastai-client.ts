import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import { promisify } from "node:util";

const run = promisify(execFile);

const VERSION = "1.9.1";
const CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt";

/** Python with Vast's official client in it, installed once for all checkouts; undefined = it cannot be had here. */
export async function officialClient(t: TestContext): Promise<string | undefined> {
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  const place = join(cache, "vast-training", `vastai-${VERSION}`);
  const python = join(place, "bin", "python");
  if (existsSync(python)) return python;
  try {
    await install(place);
    return python;
  } catch (error) {
    t.skip(`pip cannot install vastai ${VERSION}: ${error instanceof Error ? error.message.slice(0, 500) : error}`);
    return undefined;
  }
}

/** Made beside its place and then moved there, so that a half-made one is never used. */
async function install(place: string): Promise<void> {
  mkdirSync(dirname(place), { recursive: true });
  const draft = mkdtempSync(`${place}-`);
  const cert = existsSync(CERTIFICATES) ? { PIP_CERT: CERTIFICATES } : {};
  const env = { ...cert, ...process.env, PIP_DISABLE_PIP_VERSION_CHECK: "1" };
  try {
    await run("python3", ["-m", "venv", draft], { env });
    await run(join(draft, "bin", "python"), ["-m", "pip", "install", "--quiet", `vastai==${VERSION}`], { env });
    if (!existsSync(place)) renameSync(draft, place);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

export interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Each line is a command's words. Its libraries take longest, so they are loaded once; each command is a process of its own. */
const SERVE = `
import importlib, json, os, pkgutil, sys, traceback
import vastai.cli.commands as commands
from vastai.cli.main import main

for module in pkgutil.iter_modules(commands.__path__):
    importlib.import_module(f"{commands.__name__}.{module.name}")

def run(words):
    for number, name in (1, "stdout"), (2, "stderr"):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    sys.argv = ["vastai", *words]
    code = 1
    try:
        code = main()
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 0 if code is None else 1)

for line in sys.stdin:
    child = os.fork()
    if child == 0:
        run(json.loads(line))
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
`;

/** The client's command, pointed at a simulator and with a home of its own; one at a time. */
export function vastai(t: TestContext, python: string, url: string, apiKey: string) {
  const home = mkdtempSync(join(tmpdir(), "simulator-vastai-"));
  const env = {
    PATH: process.env.PATH,
    HOME: home,
    VAST_URL: url,
    VASTAI_NO_UPDATE_CHECK: "1",
    NO_PROXY: "127.0.0.1",
    COLUMNS: "200",
    PYTHONUTF8: "1",
  };
  const server = spawn(python, ["-c", SERVE], { env, cwd: home, stdio: ["pipe", "pipe", "inherit"] });
  const codes = createInterface({ input: server.stdout })[Symbol.asyncIterator]();
  t.after(async () => {
    server.stdin.end();
    if (server.exitCode === null) await once(server, "close");
    rmSync(home, { recursive: true, force: true });
  });
  return async (...args: string[]): Promise<Said> => {
    server.stdin.write(`${JSON.stringify([...args, "--api-key", apiKey])}\n`);
    const { value, done } = await codes.next();
    if (done) throw new Error("the official client cannot be started");
    const said = (name: string) => readFileSync(join(home, name), "utf8");
    return { code: Number(value), stdout: said("stdout"), stderr: said("stderr") };
  };
}
