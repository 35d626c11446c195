import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
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

/** The client's command, pointed at a simulator and with a home of its own. */
export function vastai(t: TestContext, python: string, url: string, apiKey: string) {
  const home = mkdtempSync(join(tmpdir(), "simulator-vastai-"));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  const env = {
    PATH: process.env.PATH,
    HOME: home,
    VAST_URL: url,
    VASTAI_NO_UPDATE_CHECK: "1",
    NO_PROXY: "127.0.0.1",
    COLUMNS: "200",
    PYTHONUTF8: "1",
  };
  // The scripts of a virtual environment do not survive its move, the interpreter does.
  const main = "import sys; from vastai.cli.main import main; sys.exit(main())";
  return async (...args: string[]): Promise<Said> => {
    const command = ["-c", main, ...args, "--api-key", apiKey];
    return run(python, command, { env, maxBuffer: 64 * 1024 * 1024 }).then(
      ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
      ({ code, stdout, stderr }) => ({ code, stdout, stderr }),
    );
  };
}
