/** Would git accept this as a branch name? The rules of `git check-ref-format --branch`, without its shorthands. */
export function isBranchName(name: string): boolean {
  if (name.startsWith("-") || name.endsWith(".") || name === "HEAD") return false;
  if (FORBIDDEN.test(name) || name.includes("..") || name.includes("@{")) return false;
  return name.split("/").every((part) => part !== "" && !part.startsWith(".") && !part.endsWith(".lock"));
}

/** Blanks, control characters and characters with a special meaning in git. */
const FORBIDDEN = /[\0- \x7f~^:?*[\\]/;
