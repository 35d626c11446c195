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
}

/** The values of checks.sh and dependencies.sh. */
export function checkValues({ dependencies, links = {}, setup = [], preflight = [] }: Checks) {
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
  const CHECKS = createHash("sha256").update(JSON.stringify(values)).digest("hex");
  return { ...values, CHECKS, UV: readFileSync(join(import.meta.dirname, "uv.txt"), "utf8") };
}
