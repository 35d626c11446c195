import { existsSync } from "node:fs";
import { join } from "node:path";
import { projectDir } from "./paths.mjs";
import { run, tail, which } from "./run.mjs";
import { Stop } from "./stop.mjs";

const key = "filter.pulumi-salt.clean";
const command = "sh scripts/setup/drop-salt.sh";

/**
 * Pulumi writes the salt of a user's passphrase into the stack's file as soon as a stack is used. Nobody should commit
 * that: .gitattributes names a filter that leaves it out, and git wants the filter's command in the clone's settings.
 */
export const gitFilter = {
  name: "a git setting of this clone",
  why: `${key}: the salt that Pulumi adds to Pulumi.<stack>.yaml is no change in \`git status\``,
  where: ".git/config",
  size: "1 line",
  ready: async () => !isClone() || (await git("config", "--local", "--get", key)).stdout.trim() === command,
  run: async () => {
    const { code, output } = await git("config", "--local", key, command);
    if (code !== 0)
      throw new Stop(`git config failed:\n${tail(output)}\n  By hand: git config --local ${key} '${command}'`);
  },
};

/**
 * Git calls a file modified if its size has changed, without asking the filter. `git add` makes git note the new size;
 * for files that differ only in the salt it stages no content.
 */
export async function forgetSalts(files) {
  if (!isClone() || !(await gitFilter.ready())) return;
  for (const file of files) {
    const tracked = (await git("ls-files", "--error-unmatch", "--", file)).code === 0;
    if (tracked && (await git("diff", "--quiet", "--", file)).code === 0) await git("add", "--", file);
  }
}

function isClone() {
  return existsSync(join(projectDir, ".git")) && which("git") !== undefined;
}

function git(...words) {
  return run("git", ["-C", projectDir, ...words]);
}
