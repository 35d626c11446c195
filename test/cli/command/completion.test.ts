import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { projectDir } from "../../../scripts/lib/workspace.ts";
import { runInPty } from "../../support/pty.ts";

const launcher = join(projectDir, "cli", "vast-run");
const env = { ...process.env, PATH: `${join(projectDir, "node_modules", ".bin")}:${process.env.PATH}` };

/** What may stand in the place of the last word; `files` = the shell looks for files itself. */
function offered(...words: string[]): { choices: string[]; files: boolean } {
  const lines = execFileSync(launcher, ["complete", "--", ...words], { encoding: "utf8", cwd: projectDir }).split("\n");
  return {
    choices: lines.slice(0, -2).map((line) => line.split("\t")[0] ?? ""),
    files: lines.at(-2) === ":0",
  };
}

test("commands, options, the project's stacks and shells are completed, and files where a file is wanted", () => {
  assert.deepEqual(offered("s").choices.sort(), ["ssh", "status", "sweep", "sync"]);
  assert.deepEqual(offered("help", "recov").choices, ["recover"]);
  assert.deepEqual(offered("sweep", "--all").choices, ["--all-owners"]);
  assert.deepEqual(offered("logs", "-s", "").choices.sort(), ["dev", "local", "rsync"]);
  assert.deepEqual(offered("logs", "--stack", "l").choices, ["local"]);
  assert.deepEqual(offered("completion", "f").choices, ["fish"]);
  assert.deepEqual(offered("sync", "--to", "ben"), { choices: [], files: true });
  assert.deepEqual(offered("logs", "-n", ""), { choices: [], files: false });
});

/** Types a beginning and TAB in a shell, and lets the line run. */
async function typedIn(words: string[], init: string): Promise<string> {
  const [file = "", ...args] = words;
  const before = `${init}; eval "$(vast-run completion ${file})"; eval "$(vast-run completion ${file})"; echo rea''dy\n`;
  const keys = `${before}vast-run swe\t-s loc\t--help\nexit\n`;
  const { screen } = await runInPty(file, args, { cwd: projectDir, env, seen: /[#$%] /, keys, times: 1 });
  return screen;
}

const lacks = (shell: string) => (spawnSync(shell, ["-c", ":"]).error ? `${shell} is not installed` : false);

for (const { words, init } of [
  { words: ["bash", "--norc", "-i"], init: "unset -f _get_comp_words_by_ref" },
  { words: ["zsh", "-f"], init: "autoload -U compinit; compinit -u -D; zstyle ':completion:*' insert-tab false" },
]) {
  const [shell = ""] = words;
  test(`TAB completes in ${shell}, though its script is read twice`, { skip: lacks(shell) }, async () => {
    const screen = await typedIn(words, init);
    assert.match(screen, /Usage: vast-run sweep/);
    assert.match(screen, /-s local/);
    assert.doesNotMatch(screen.split("ready")[1] ?? "", /readonly|not found|syntax error/);
  });
}

test("TAB completes in fish", { skip: lacks("fish") }, () => {
  const script = 'vast-run completion fish | source; complete -C "vast-run swe"; complete -C "vast-run logs -s loc"';
  const output = execFileSync("fish", ["-N", "-c", script], { cwd: projectDir, env, encoding: "utf8" });
  assert.match(output, /^sweep\t.*\nlocal\t/);
});
