import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import { CLIENT_VERSION } from "../../bench/client.ts";
import { venv } from "./venv.ts";

/** Python with Vast's official client in it; undefined = it cannot be had here. */
export function officialClient(t: TestContext): Promise<string | undefined> {
  return venv(t, `vastai-${CLIENT_VERSION}`, [`vastai==${CLIENT_VERSION}`]);
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
