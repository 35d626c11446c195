import { git } from "../code/git/git.ts";
import { printable } from "../lib/text.ts";
import { stackFile, valuesIn } from "./yaml.ts";

/** A key of the stack's file that is not as it was committed; undefined = it is not there. */
export interface Uncommitted {
  readonly key: string;
  readonly was: string | undefined;
  readonly is: string | undefined;
}

/** What differs between two texts of a stack's file; values as YAML has them, without the project's name. */
export function uncommitted(before: string, after: string, project: string): Uncommitted[] {
  const [was, is] = [valuesIn(before, project), valuesIn(after, project)];
  const keys = [...new Set([...was.keys(), ...is.keys()])];
  return keys.map((key) => ({ key, was: was.get(key), is: is.get(key) })).filter((one) => one.was !== one.is);
}

const LONGEST_VALUE = 30;
const MOST = 4;

/** "Pulumi.dev.yaml is not as committed: gpus 2 (was 1); …"; undefined = nothing differs. */
export function uncommittedText(stack: string, changes: readonly Uncommitted[]): string | undefined {
  if (changes.length === 0) return undefined;
  const file = `Pulumi.${stack}.yaml`;
  const shown = changes.slice(0, MOST).map(({ key, was, is }) => `${key} ${valueText(is)} (was ${valueText(was)})`);
  const more = changes.length > MOST ? [`${changes.length - MOST} more`] : [];
  return `${file} is not as committed: ${[...shown, ...more].join(", ")}. Pulumi writes there what -c says, for every later command too; back: git checkout ${file}`;
}

function valueText(value: string | undefined): string {
  return value === undefined ? "unset" : printable(value, LONGEST_VALUE);
}

const PATIENCE_MS = 2000;

/** The same of the stack's own file; undefined too where git knows no such file, or does not answer at once. */
export async function notAsCommitted(stack: string, project: string): Promise<string | undefined> {
  try {
    const before = await git(["cat-file", "blob", `HEAD:./Pulumi.${stack}.yaml`], {
      folder: ".",
      patienceMs: PATIENCE_MS,
    });
    return uncommittedText(stack, uncommitted(before.toString("utf8"), stackFile(stack), project));
  } catch {
    return undefined;
  }
}
