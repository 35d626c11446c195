/** What the files at a repository's root say about its dependencies. */
export interface Project {
  /** Files from NAMES that exist. */
  readonly files: readonly string[];
  /** Does pyproject.toml describe a project, and not only settings of tools? */
  readonly isProject: boolean;
  /** Number of packages in uv.lock; null = no uv.lock. */
  readonly packages: number | null;
  /** The versions of uv that it asks for, as pip takes them; "" = any. */
  readonly uv: string;
  readonly extras: readonly string[];
  readonly groups: readonly string[];
  /** Servers from which packages are fetched by git over ssh. */
  readonly sshHosts: readonly string[];
}

/** Of these files the contents are read. Of the others only their existence counts. */
export const READ = ["pyproject.toml", "uv.lock", "uv.toml", "requirements.txt"];

/** All files that say what to install. */
export const NAMES = [
  ...READ,
  "pylock.toml",
  "poetry.lock",
  "pdm.lock",
  "Pipfile",
  "pixi.lock",
  "pixi.toml",
  "environment.yml",
  "environment.yaml",
  "setup.py",
];

/** @param texts of the files at the root that are among NAMES; what is not read may be empty */
export function projectIn(texts: Readonly<Record<string, string>>): Project {
  const { "pyproject.toml": own = "", "uv.lock": lock, "uv.toml": uv, "requirements.txt": requirements = "" } = texts;
  const tables = tablesIn(own);
  const names = [...tables.keys()];
  const isProject =
    names.some((name) => /^project(\.|$)/.test(name)) || /^\s*project\s*[.=]/m.test(tables.get("") ?? "");
  return {
    files: NAMES.filter((name) => name in texts),
    isProject,
    packages: lock === undefined ? null : packagesIn(lock),
    // uv ignores pyproject.toml when uv.toml exists.
    uv: specifierIn(uv === undefined ? tables.get("tool.uv") : tablesIn(uv).get("")),
    extras: keysIn(tables.get("project.optional-dependencies")),
    groups: keysIn(tables.get("dependency-groups")),
    sshHosts: hostsIn(lock ?? (isProject ? own : requirements)),
  };
}

/** The lines of each table of a TOML file, by its name; "" = those before the first. */
function tablesIn(text: string): Map<string, string> {
  const tables = new Map([["", ""]]);
  let table = "";
  for (const line of text.replace(/"""[\s\S]*?"""|'''[\s\S]*?'''/g, '""').split("\n")) {
    const [, header] = /^\s*\[\[?\s*([^[\]]+?)\s*\]\]?\s*(?:#.*)?$/.exec(line) ?? [];
    if (header === undefined) tables.set(table, `${tables.get(table)}${line}\n`);
    else {
      table = header.replace(/["'\s]/g, "");
      tables.set(table, tables.get(table) ?? "");
    }
  }
  return tables;
}

function keysIn(table = ""): string[] {
  return [...table.matchAll(/^\s*["']?([\w.-]+)["']?\s*=/gm)].map(([, key = ""]) => key);
}

/** Text that is not a specifier must not reach a command line. */
function specifierIn(table = ""): string {
  const [, asked = ""] = /^\s*["']?required-version["']?\s*=\s*["']([^"']*)["']/m.exec(table) ?? [];
  const bare = asked.replace(/\s/g, "");
  const exact = /^\d/.test(bare) ? `==${bare}` : bare;
  const one = "(?:[<>=!~]=|===|[<>])[\\w.*+!-]+";
  return new RegExp(`^${one}(?:,${one})*$`).test(exact) ? exact : "";
}

/** Without the project itself. */
function packagesIn(lock: string): number {
  const [, ...packages] = lock.split(/^\[\[package\]\]/m);
  return packages.filter((text) => !/^source = \{ (virtual|editable) = "\." \}/m.test(text)).length;
}

function hostsIn(text: string): string[] {
  const hosts = [...text.matchAll(/\b(?:git\+)?ssh:\/\/(?:[\w.-]+@)?([\w.-]+)/g)].map(([, host = ""]) => host);
  return [...new Set(hosts)].toSorted();
}
