import { randomBytes } from "node:crypto";

/** Whose run it is, and where. */
export interface LabelParts {
  readonly owner: string;
  readonly project: string;
  readonly stack: string;
  readonly run: string;
}

const LONGEST = 60;
const NONCE_BYTES = 5;

/**
 * `vt-<owner>-<project>-<stack>-<run>-<nonce>`, at most 60 characters of a-z, 0-9 and "-". Owner and nonce are never
 * cut, so that no two people and no two runs share a label; of the rest, which is for people, the longest part is cut.
 */
export function runLabel({ owner, project, stack, run }: LabelParts, nonce = newNonce()): string {
  const middle = [project, stack, run].map(plain).filter((part) => part !== "");
  const room = LONGEST - `vt-${owner}--${nonce}`.length;
  while (middle.join("-").length > room) {
    const longest = middle.reduce((best, part, index) => (part.length > (middle[best]?.length ?? 0) ? index : best), 0);
    middle[longest] = (middle[longest] ?? "").slice(0, -1);
  }
  return ["vt", owner, ...middle.map(plain), nonce].filter((part) => part !== "").join("-");
}

/** The part that all labels of a run begin with; not enough to act on an instance, because names may have been cut. */
export function labelStem(parts: LabelParts): string {
  const nonce = "0".repeat(NONCE_BYTES * 2);
  return runLabel(parts, nonce).slice(0, -nonce.length);
}

/** The last part of a label of ours: no two runs have the same. */
export function nonceOf(label: string): string {
  return label.slice(label.lastIndexOf("-") + 1);
}

function plain(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
}

function newNonce(): string {
  return randomBytes(NONCE_BYTES).toString("hex");
}
