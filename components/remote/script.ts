import { readFileSync } from "node:fs";
import { join } from "node:path";
import { printable } from "../lib/text.ts";

/** Values of a script, by the name of the shell variable that holds them. */
export type Values = Readonly<Record<string, string>>;

/**
 * The text for `bash -s`: values as quoted assignments, then the named .sh files of this folder. It is one compound
 * command, so that bash has read all of it before anything runs, and nothing in it can read the rest as its input.
 */
export function script(values: Values, ...names: readonly string[]): string {
  return compound(values, names, "</dev/null");
}

/** As `script`, but descriptor 8 reads what follows the text on standard input, so the script can be sent more. */
export function conversation(values: Values, ...names: readonly string[]): string {
  return compound(values, names, "8<&0 </dev/null");
}

function compound(values: Values, names: readonly string[], redirections: string): string {
  const assignments = Object.entries(values).map(([name, value]) => `${name}=${shellQuoted(value)}`);
  const plain = () => ["{", ...assignments, ...names.map(textOf), "exit 0", `} ${redirections}`];
  const lines = names.includes("common") ? shown(assignments, names, redirections) : plain();
  return [...lines, ""].join("\n");
}

/** A .sh file of this folder. */
export function textOf(name: string): string {
  return fileText(`${name}.sh`);
}

/** A file of this folder, by its whole name. */
export function fileText(name: string): string {
  return readFileSync(join(import.meta.dirname, name), "utf8");
}

/**
 * People read what a step prints: both streams pass the one filter that takes credentials out. The exit code is kept.
 */
function shown(assignments: readonly string[], names: readonly string[], redirections: string): string[] {
  return [
    ...["{", ...assignments, textOf("shown"), "set -o pipefail"],
    // A shell prints the command line of any child that is killed.
    "exec 4>&2 2>/dev/null",
    ...["{ {", ...names.flatMap((name) => (name === "common" ? ["common", "limit"] : [name])).map(textOf), "exit 0"],
    `} ${redirections} 2>&1 1>&3 3>&- 4>&- | without_credentials >&4; } 3>&1 | without_credentials`,
    ...["exit", "}"],
  ];
}

/** One word for a shell, whatever is in it. Throws on NUL, which no variable can hold. */
export function shellQuoted(text: string): string {
  if (text.includes("\0")) throw new Error(`a value holds NUL: ${printable(text, 40)}`);
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Lines such as `export NAME='value'`. */
export function exportLines(variables: Readonly<Record<string, string>>): string {
  return Object.entries(variables)
    .map(([name, value]) => `export ${name}=${shellQuoted(value)}\n`)
    .join("");
}
