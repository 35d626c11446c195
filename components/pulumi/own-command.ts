import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** What puts `pulumi` and `vast-run` on PATH. Typed in the folder of the project. */
export const SHELLENV = 'eval "$(npm run -s shellenv)"';

/** A line to type that begins with `vast-run`, and what must be typed before it where this shell does not find that. */
export function ownCommand(words: string, env: NodeJS.ProcessEnv = process.env): string {
  return finds("vast-run", env) ? `vast-run ${words}` : `vast-run ${words} (in this shell first: ${SHELLENV})`;
}

/** Does a shell with this PATH find the program? */
export function finds(program: string, { PATH = "" }: NodeJS.ProcessEnv): boolean {
  return PATH.split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return folder !== "";
    } catch {
      return false;
    }
  });
}
