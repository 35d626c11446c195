import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { shellQuoted } from "./script.ts";

/** How the machine gets the packages that the code needs. */
export interface Dependencies {
  /** A shell command, in the code's folder; "" = nothing is installed. */
  readonly command: string;
  /** The versions of uv that the code asks for, as pip takes them; "" = any. */
  readonly uv: string;
  /** True when training uses the image's own Python: an environment left by an earlier commit is then deleted. */
  readonly ownPython: boolean;
}

/** Checks before a training starts. A change to them does not restart a running training. */
export interface Checks {
  /** Default: nothing is installed or deleted. */
  readonly dependencies?: Dependencies;
  /** Links: target on the machine to place in the code's folder. */
  readonly links?: Readonly<Record<string, string>>;
  /** Shell commands that prepare the machine. */
  readonly setup?: readonly string[];
  /** Shell commands that must succeed. */
  readonly preflight?: readonly string[];
  /** The checkpoint to resume from: a glob below checkpointsDir, or `$(command)`; "" = the newest of a known layout. */
  readonly resumeFrom?: string;
}

/** The values of checks.sh and dependencies.sh, and what environment.sh looks for. */
export function checkValues({ dependencies, links = {}, setup = [], preflight = [], resumeFrom = "" }: Checks) {
  const { command = "", uv = "", ownPython = false } = dependencies ?? {};
  const values = {
    DEPENDENCIES: command,
    UV_ASKED: uv,
    OWN_PYTHON: ownPython ? "yes" : "",
    LINKS: Object.entries(links)
      .map(([target, place]) => `${place}\t${target}`)
      .join("\n"),
    SETUP: setup.map(shellQuoted).join(" "),
    PREFLIGHT: preflight.map(shellQuoted).join(" "),
  };
  const checks = JSON.stringify(resumeFrom === "" ? values : { ...values, resumeFrom });
  const CHECKS = createHash("sha256").update(checks).digest("hex");
  const UV = readFileSync(join(import.meta.dirname, "uv.txt"), "utf8");
  return { ...values, RESUME_LAYOUT: resumeFrom, CHECKS, UV };
}
