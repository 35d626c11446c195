import { createHash } from "node:crypto";
import { shellQuoted } from "./script.ts";

/** What has to be in order before a training starts; none that runs is restarted for it. */
export interface Checks {
  /** Place in the code's folder by what it leads to on the machine. */
  readonly links?: Readonly<Record<string, string>>;
  /** Shell commands that make ready. */
  readonly setup?: readonly string[];
  /** Shell commands that must pass. */
  readonly preflight?: readonly string[];
}

/** The values of checks.sh. */
export function checkValues({ links = {}, setup = [], preflight = [] }: Checks) {
  const values = {
    LINKS: Object.entries(links)
      .map(([target, place]) => `${place}\t${target}`)
      .join("\n"),
    SETUP: setup.map(shellQuoted).join(" "),
    PREFLIGHT: preflight.map(shellQuoted).join(" "),
  };
  return { ...values, CHECKS: createHash("sha256").update(JSON.stringify(values)).digest("hex") };
}
