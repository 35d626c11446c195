import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { shellQuoted } from "./script.ts";

/** How what the code needs gets onto the machine. */
export interface Dependencies {
  /** A shell command, in the code's folder; "" = nothing is installed. */
  readonly command: string;
  /** The versions of uv that the code asks for, as pip takes them; "" = any. */
  readonly uv: string;
  /** Is it the image's own Python that trains? Then an environment that an earlier commit had goes. */
  readonly ownPython: boolean;
}

/** What has to be in order before a training starts; none that runs is restarted for it. */
export interface Checks {
  /** Default: nothing is installed, and nothing goes. */
  readonly dependencies?: Dependencies;
  /** Place in the code's folder by what it leads to on the machine. */
  readonly links?: Readonly<Record<string, string>>;
  /** Shell commands that make ready. */
  readonly setup?: readonly string[];
  /** Shell commands that must pass. */
  readonly preflight?: readonly string[];
  /** Which checkpoint it goes on from: a glob below checkpointsDir, or `$(command)`; "" = the newest of a known layout. */
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
