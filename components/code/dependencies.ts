import { readFileSync } from "node:fs";
import { join } from "node:path";
import { closest } from "fastest-levenshtein";
import type { Problem } from "../lib/problem.ts";
import type { Dependencies } from "../remote/checks.ts";
import { shellLine } from "../ssh/ssh-key.ts";
import type { Project } from "./git/project.ts";

/** The stack config's settings for dependencies. */
export interface DependencyWish {
  /** auto, none, or a shell command. */
  readonly dependencies: string;
  readonly extras: readonly string[];
  readonly groups: readonly string[];
  /** Names of the credentials that the machine will have. */
  readonly credentials: readonly string[];
}

/** The way to install them, a line about it for people, and problems. */
export interface DependencyPlan {
  readonly dependencies: Dependencies;
  readonly line: string;
  readonly problems: readonly Problem[];
}

/**
 * Installs into the Python that training will find, so that packages of the image count; makes an environment where
 * there is no Python.
 */
const REQUIREMENTS = [
  "python=$(command -v python || command -v python3) ||",
  '{ uv venv "$UV_PROJECT_ENVIRONMENT" && python=$UV_PROJECT_ENVIRONMENT/bin/python; } &&',
  'uv pip install --python "$python" --break-system-packages -r requirements.txt',
].join(" ");

/** What to write into setup for package managers that we do not run. */
const BY_SETUP: Readonly<Record<string, string>> = {
  "pylock.toml": "uv pip install --system -r pylock.toml",
  "requirements.txt": "uv pip install -r requirements.txt",
  "poetry.lock": "python -m pip install poetry && POETRY_VIRTUALENVS_CREATE=false poetry install",
  "pdm.lock": "python -m pip install pdm && pdm install --global --project .",
  Pipfile: "python -m pip install pipenv && pipenv install --system",
  "pixi.lock": "curl -fsSL https://pixi.sh/install.sh | bash && ~/.pixi/bin/pixi install",
  "pixi.toml": "curl -fsSL https://pixi.sh/install.sh | bash && ~/.pixi/bin/pixi install",
  "environment.yml": "conda env update -n base -f environment.yml",
  "environment.yaml": "conda env update -n base -f environment.yaml",
  "setup.py": "python -m pip install -e .",
};

/** Uses the first of uv.lock, a project in pyproject.toml, and requirements.txt, unless the config says otherwise. */
export function planDependencies(project: Project, wish: DependencyWish): DependencyPlan {
  const { dependencies, extras, groups } = wish;
  const { uv } = project;
  if (dependencies === "none")
    return plan({ command: "", uv, ownPython: false }, "none, as dependencies says", chosen(wish));
  if (dependencies !== "auto") {
    return plan({ command: dependencies, uv, ownPython: false }, `${dependencies}; ${uvText(uv)}`, chosen(wish));
  }
  const { files, packages } = project;
  if (syncs(project)) {
    const what =
      packages === null ? "pyproject.toml" : `uv.lock, ${packages} ${packages === 1 ? "package" : "packages"}`;
    const locked = packages === null ? "" : " --frozen";
    const options = syncOptions(wish);
    const words = `${what}${options && `,${options}`}; ${uvText(uv)}`;
    return plan(
      { command: `uv sync${locked}${options}`, uv, ownPython: false },
      `${words}${sshText(project, wish)}${unusedText(files, [])}`,
      [...unknown("extras", extras, project.extras), ...unknown("groups", groups, project.groups)],
    );
  }
  if (files.includes("requirements.txt")) {
    const words = `requirements.txt, into the image's Python; ${uvText(uv)}${sshText(project, wish)}`;
    const more = unusedText(files, ["requirements.txt"]);
    return plan({ command: REQUIREMENTS, uv, ownPython: true }, `${words}${more}`, chosen(wish));
  }
  const why = files.includes("pyproject.toml") ? " (pyproject.toml describes no project)" : "";
  const words = `nothing is installed${why}, training has what the image has`;
  return plan({ command: "", uv, ownPython: true }, `${words}${unusedText(files, [])}`, chosen(wish));
}

/** Will uv install it as a project? */
export function syncs({ files, isProject }: Pick<Project, "files" | "isProject">): boolean {
  return files.includes("pyproject.toml") && (isProject || files.includes("uv.lock"));
}

/** " --extra cu124 --group train" */
export function syncOptions({ extras, groups }: Pick<DependencyWish, "extras" | "groups">): string {
  const words = [...extras.flatMap((name) => ["--extra", name]), ...groups.flatMap((name) => ["--group", name])];
  return words.length === 0 ? "" : ` ${shellLine(words)}`;
}

function plan(dependencies: Dependencies, words: string, problems: readonly Problem[]): DependencyPlan {
  return { dependencies, line: `dependencies: ${words}`, problems };
}

/** Problems with extras and groups where uv installs no project. */
function chosen({ dependencies, extras, groups }: DependencyWish): Problem[] {
  const keys = [...(extras.length > 0 ? ["extras"] : []), ...(groups.length > 0 ? ["groups"] : [])];
  const found = dependencies === "auto" ? "the code has no project that has any" : "dependencies does not take them";
  const write = dependencies === "auto" ? "leave it out" : "leave it out, and write what you want into dependencies";
  return keys.map((key) => ({ key, found, write }));
}

/** If none can be read, for example from an inline table, uv itself will complain. */
function unknown(key: string, wanted: readonly string[], known: readonly string[]): Problem[] {
  const plain = (name: string) => name.toLowerCase().replace(/[-_.]+/g, "-");
  const names = known.map(plain);
  if (names.length === 0) return [];
  return wanted
    .filter((name) => !names.includes(plain(name)))
    .map((name) => ({
      key,
      found: `pyproject.toml has no ${name}`,
      write: `did you mean ${closest(name, [...known])}?`,
    }));
}

function uvText(asked: string): string {
  return asked === "" ? `uv ${ownUv()}, unless the image has one` : `uv ${asked}, as the code asks`;
}

/** The version of uv that we install. */
function ownUv(): string {
  const requirement = readFileSync(join(import.meta.dirname, "../remote/uv.txt"), "utf8");
  return /^uv==(\S+)/.exec(requirement)?.[1] ?? "";
}

function sshText({ sshHosts }: Project, { credentials }: DependencyWish): string {
  const closed = sshHosts.filter((host) => host !== "github.com" || !credentials.includes("GITHUB_TOKEN"));
  if (closed.length === 0) return "";
  const token = closed.includes("github.com") ? "; add GITHUB_TOKEN to forward for github.com" : "";
  return `; some come by ssh from ${closed.join(", ")}, for which the machine has no key${token}`;
}

function unusedText(files: readonly string[], used: readonly string[]): string {
  const seen = new Set<string>();
  const unused = Object.entries(BY_SETUP).filter(([name, command]) => {
    const counts = files.includes(name) && !used.includes(name) && !seen.has(command);
    if (counts) seen.add(command);
    return counts;
  });
  return unused.map(([name, command]) => `; ${name} is not used (in setup: ${command})`).join("");
}
