import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const SOURCES = ["index.ts", "cli", "components", "scripts/plugins"];

/**
 * Every package, or file of one, that the sources of a project import, sorted.
 *
 * @returns {string[]}
 */
export function imported(project) {
  const files = SOURCES.flatMap((name) => sourcesIn(join(project, name)));
  const texts = files.map((file) => readFileSync(file, "utf8"));
  const found = texts.flatMap((text) => [...text.matchAll(/^(?:import|export|\}).* from "([^."][^"]*)";/gm)]);
  const names = found.map(([, name]) => name).filter((name) => !name.startsWith("node:"));
  return [...new Set(names)].sort();
}

function sourcesIn(path) {
  if (path.endsWith(".ts")) return [path];
  const entries = readdirSync(path, { withFileTypes: true });
  const wanted = entries.filter((entry) => entry.isDirectory() || entry.name.endsWith(".ts"));
  return wanted.flatMap(({ name }) => sourcesIn(join(path, name)));
}
