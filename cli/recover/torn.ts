import { globSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { jsonIn } from "../../components/lib/text.ts";
import { backendUrl } from "../fleet/runs.ts";
import { backendFolder } from "./lock.ts";
import type { Patient } from "./patient.ts";

/**
 * Removes what keeps Pulumi from reading its state after a kill. Beside each file of a backend of files it keeps another
 * one, NAME.attrs, with the type of its content (gocloud.dev's fileblob). That is not written in one step; where it is not
 * whole, Pulumi reads nothing, and where there is none, it does without.
 */
export function removeTorn({ cwd, terminal }: Pick<Patient, "cwd" | "terminal">): void {
  const { env } = terminal;
  const folder = backendFolder({ backend: backendUrl(env), cwd }, env);
  if (folder === undefined) return;
  // Of a backend in somebody's home, .pulumi has Pulumi's plugins, too.
  const patterns = ["*.attrs", "{stacks,locks,history,backups}/**/*.attrs"];
  for (const name of globSync(patterns, { cwd: join(folder, ".pulumi") })) {
    const file = join(folder, ".pulumi", name);
    if (jsonIn(readFileSync(file, "utf8")) !== undefined) continue;
    rmSync(file, { force: true });
    terminal.note(`removed ${file}, which a killed command had left half written; nothing is lost with it`);
  }
}
