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
  /** Which checkpoint it goes on from: a glob below checkpointsDir, or `$(command)`; "" = the newest of a known layout. */
  readonly resumeFrom?: string;
}

/** The values of checks.sh, and what environment.sh looks for. */
export function checkValues({ links = {}, setup = [], preflight = [], resumeFrom = "" }: Checks) {
  const values = {
    LINKS: Object.entries(links)
      .map(([target, place]) => `${place}\t${target}`)
      .join("\n"),
    SETUP: setup.map(shellQuoted).join(" "),
    PREFLIGHT: preflight.map(shellQuoted).join(" "),
  };
  const checks = JSON.stringify(resumeFrom === "" ? values : { ...values, resumeFrom });
  return { ...values, RESUME_LAYOUT: resumeFrom, CHECKS: createHash("sha256").update(checks).digest("hex") };
}
