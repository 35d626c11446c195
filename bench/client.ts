import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { startCommand } from "../scripts/lib/command.ts";
import { projectDir } from "../scripts/lib/workspace.ts";
import { cacheDir, versions } from "../scripts/setup/paths.mjs";

/** Of Vast's official client, which the tests and the bench compare with. */
export const CLIENT_VERSION = "1.9.1";

/**
 * The folder in which the official client lies: where PATH has it, else one of our own outside the project, into which
 * uv puts it once. Throws when that fails.
 */
export async function clientFolder(env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const found = (env.PATH ?? "").split(delimiter).find((folder) => folder && existsSync(join(folder, "vastai")));
  if (found !== undefined) return found;
  const place = join(cacheDir(), `vastai-tool-${CLIENT_VERSION}`);
  if (!existsSync(join(place, "vastai"))) await install(place, env);
  return place;
}

async function install(place: string, env: NodeJS.ProcessEnv): Promise<void> {
  const uv = join(cacheDir(), "uv", versions.uv, "uv");
  const words = ["tool", "install", "--quiet", `vastai==${CLIENT_VERSION}`];
  const places = { UV_TOOL_DIR: join(place, "tools"), UV_TOOL_BIN_DIR: place, UV_SYSTEM_CERTS: "1" };
  const { result } = startCommand(existsSync(uv) ? uv : "uv", words, { cwd: projectDir, env: { ...env, ...places } });
  const { code, stderr } = await result;
  if (code !== 0) throw new Error(`The official client cannot be installed:\n${stderr}`);
}
