/** What a repository says, in the files at its root, of what it needs. */
export interface Project {
  /** Which of NAMES are there. */
  readonly files: readonly string[];
  /** Does pyproject.toml describe a project? One that only configures tools does not. */
  readonly isProject: boolean;
  /** In uv.lock; null = there is none. */
  readonly packages: number | null;
  /** The versions of uv that it asks for, as pip takes them; "" = any. */
  readonly uv: string;
  readonly extras: readonly string[];
  readonly groups: readonly string[];
  /** Servers that packages are fetched from by git over ssh. */
  readonly sshHosts: readonly string[];
}

/** What is read of these files. The others only count as there. */
export const READ = ["pyproject.toml", "uv.lock", "uv.toml", "requirements.txt"];

/** Every file that says what to install. */
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
    // uv does not look into pyproject.toml where there is a uv.toml.
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

/** What is no specifier goes to no command line. */
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
