import { readFileSync } from "node:fs";
import { join } from "node:path";
import { shellLine } from "../../ssh/ssh-key.ts";

/** A repository that the image holds beside the dependencies. */
export interface Beside {
  readonly url: string;
  readonly commit: string;
  /** Absolute, in the image. */
  readonly path: string;
}

export interface TemplateValues {
  readonly base: string;
  /** Name of the code's folder: the environment is /workspace/venvs/NAME. */
  readonly name: string;
  readonly extraRepos: readonly Beside[];
  /** The version that the code asks uv for: with another one a launch would make the environment again. "" = any. */
  readonly python: string;
  /** Extras and groups, as words of uv sync. */
  readonly options: string;
}

const text = (name: string) => readFileSync(join(import.meta.dirname, name), "utf8");

/** The Dockerfile that we ship, filled in. */
export function dockerfileOf({ base, name, extraRepos, python, options }: TemplateValues): string {
  const values: Record<string, string> = {
    BASE: base,
    NAME: name,
    UV: shellLine(uvRequirement()),
    // Behind it, so that without options the text, and the tag that is made of it, are what they were.
    PYTHON: `${python === "" ? "" : ` --python ${python}`}${options}`,
    EXTRA_REPOS: extraRepos.map(cloned).join(""),
  };
  const lines = text("Dockerfile")
    .split("\n")
    .map((line) => (line.startsWith("#") ? line : filled(line, values)));
  return lines.join("\n");
}

/** Its ignore file: an allow-list. */
export function ignoreFile(): string {
  return text("Dockerfile.dockerignore");
}

function filled(line: string, values: Readonly<Record<string, string>>): string {
  return line.replace(/@([A-Z_]+)@/g, (whole, name: string) => values[name] ?? whole);
}

/** uv's requirement, with its hashes. */
function uvRequirement(): string[] {
  const words = readFileSync(join(import.meta.dirname, "../../remote/uv.txt"), "utf8").split(/[\s\\]+/);
  return [words.filter((word) => word !== "").join(" ")];
}

/** Clones exactly the commit, without history, as a launch does. */
function cloned({ url, commit, path }: Beside): string {
  const folder = `/repositories${path}`;
  const git = (...args: string[]) => shellLine(["git", "-C", folder, ...args]);
  return ` && \\\n    ${[
    shellLine(["git", "init", "--quiet", folder]),
    git("remote", "add", "origin", url),
    git("fetch", "--quiet", "--depth", "1", "origin", commit),
    git("-c", "advice.detachedHead=false", "checkout", "--quiet", "--detach", commit),
  ].join(" && ")}`;
}
