import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { promisify } from "node:util";

const run = promisify(execFile);

const CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt";

/**
 * Python with these packages in it, installed once for all checkouts; undefined = they cannot be had here, and the test says
 * so.
 *
 * @param name names the versions: another name is another installation
 * @param installs words of `pip install`, one call each
 */
export async function venv(
  t: TestContext,
  name: string,
  ...installs: readonly (readonly string[])[]
): Promise<string | undefined> {
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  const place = join(cache, "vast-training", name);
  const python = join(place, "bin", "python");
  if (existsSync(python)) return python;
  try {
    await install(place, installs);
    return python;
  } catch (error) {
    t.skip(`pip cannot install ${name}: ${error instanceof Error ? error.message.slice(0, 500) : error}`);
    return undefined;
  }
}

/** Made beside its place and then moved there, so that a half-made one is never used. */
async function install(place: string, installs: readonly (readonly string[])[]): Promise<void> {
  mkdirSync(dirname(place), { recursive: true });
  const draft = mkdtempSync(`${place}-`);
  const cert = existsSync(CERTIFICATES) ? { PIP_CERT: CERTIFICATES } : {};
  const env = { ...cert, ...process.env, PIP_DISABLE_PIP_VERSION_CHECK: "1" };
  try {
    await run("python3", ["-m", "venv", draft], { env });
    const pip = ["-m", "pip", "install", "--quiet"];
    for (const words of installs) await run(join(draft, "bin", "python"), [...pip, ...words], { env });
    moveTo(place, draft);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/** Another test may have made it meanwhile, which is as good. */
function moveTo(place: string, draft: string): void {
  try {
    renameSync(draft, place);
  } catch (error) {
    if (!existsSync(place)) throw error;
  }
}
