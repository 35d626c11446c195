import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import { cacheDir, madeOnce } from "../../simulator/hosts/cache.ts";

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
  const place = join(cacheDir(), name);
  const python = join(place, "bin", "python");
  if (existsSync(python)) return python;
  try {
    await madeOnce(place, (draft) => install(draft, installs));
    return python;
  } catch (error) {
    t.skip(`pip cannot install ${name}: ${error instanceof Error ? error.message.slice(0, 500) : error}`);
    return undefined;
  }
}

/** Fills an empty folder. */
async function install(place: string, installs: readonly (readonly string[])[]): Promise<void> {
  const cert = existsSync(CERTIFICATES) ? { PIP_CERT: CERTIFICATES } : {};
  const env = { ...cert, ...process.env, PIP_DISABLE_PIP_VERSION_CHECK: "1" };
  await run("python3", ["-m", "venv", place], { env });
  const pip = ["-m", "pip", "install", "--quiet"];
  for (const words of installs) await run(join(place, "bin", "python"), [...pip, ...words], { env });
}
