import assert from "node:assert/strict";
import { test } from "node:test";
import { optionsOf } from "../../cli/command/command.ts";
import { exitCode } from "../../cli/command/failure.ts";
import { exitCodeLines } from "../../cli/command/help.ts";
import { commands, main } from "../../cli/main.ts";
import { fakeTerminal } from "../support/fake-terminal.ts";

async function typed(...argv: string[]) {
  const terminal = fakeTerminal();
  const code = await main(argv, terminal);
  return { code, out: terminal.written.join("\n"), note: terminal.noted.join("\n") };
}

const oneLine = (text: string) => text.replace(/\s+/g, " ");

test("help is data: it goes to standard output and ends with 0", async () => {
  for (const argv of [["--help"], ["-h"], ["help"]]) {
    const { code, out, note } = await typed(...argv);
    assert.equal(code, 0);
    assert.equal(note, "");
    for (const { name, summary } of commands) assert.ok(oneLine(out).includes(` ${name} ${summary} `), name);
  }
});

test("each command explains itself, its options and the stack option", async () => {
  for (const command of commands) {
    for (const argv of [
      [command.name, "--help"],
      [command.name, "-h"],
      ["help", command.name],
    ]) {
      const { code, out } = await typed(...argv);
      assert.equal(code, 0);
      assert.ok(out.startsWith(`Usage: vast-run ${command.name} `), out);
      for (const name of [...Object.keys(optionsOf(command)), "help"]) assert.ok(out.includes(`--${name}`), name);
      assert.match(out, /Example/);
    }
  }
});

for (const columns of [80, 120]) {
  test(`help fits a terminal of ${columns} columns`, async () => {
    for (const argv of [["--help"], ...commands.map(({ name }) => [name, "--help"])]) {
      const terminal = fakeTerminal({ columns });
      assert.equal(await main(argv, terminal), 0);
      // What is to be typed stands as it is.
      const [text = ""] = terminal.written.join("\n").split(/\nExamples?:\n/);
      for (const line of text.split("\n")) assert.ok(line.length <= columns, line);
      for (const { examples } of commands.filter(({ name }) => name === argv[0]))
        for (const line of examples) assert.ok(terminal.written.join("\n").includes(`  ${line}`), line);
    }
  });
}

test("each exit code has one meaning, and help tells them all", async () => {
  const { out } = await typed("--help");
  assert.equal(new Set(Object.values(exitCode)).size, Object.keys(exitCode).length);
  for (const [code, meaning] of exitCodeLines()) assert.ok(oneLine(out).includes(` ${code} ${meaning}`), meaning);
});

const misuses: [string, string[], RegExp][] = [
  ["no command", [], /^vast-run: a command is missing\. See: vast-run --help$/],
  ["an unknown command", ["stop"], /^vast-run: unknown command 'stop'\. See: vast-run --help$/],
  ["an unknown command with --help", ["stop", "--help"], /^vast-run: unknown command 'stop'\./],
  ["help for an unknown command", ["help", "stop"], /^vast-run: unknown command 'stop'\./],
  [
    "a command with a slip",
    ["swepe", "--destroy", "--yes"],
    /'swepe' \(Did you mean sweep\?\)\. See: vast-run --help$/,
  ],
  ["an unknown option", ["env", "--all"], /^vast-run: unknown option '--all'\. See: vast-run env --help$/],
  ["an option with a slip", ["sync", "--stcak", "dev"], /unknown option '--stcak' \(Did you mean --stack\?\)/],
  [
    "an option without its value",
    ["env", "--stack"],
    /option '-s, --stack <STACK>' argument missing\. See: vast-run env/,
  ],
  [
    "an option in place of a value",
    ["sweep", "-s", "--destroy"],
    /argument '--destroy' is invalid\. Its value is missing/,
  ],
  ["a stray word", ["sync", "here"], /too many arguments for 'sync'\..* 1: here\. See: vast-run sync --help$/],
  ["a shell without a terminal", ["ssh"], /a shell needs a terminal; name a command to run/],
  ["both of two", ["config", "--install", "--remove"], /write --install or --remove, not both/],
  ["no shell", ["completion"], /name one shell: bash, zsh, fish/],
  ["an unknown shell", ["completion", "sh"], /name one shell: bash, zsh, fish/],
  ["a time between rounds without --watch", ["sync", "--every", "5"], /--every goes with --watch/],
  ["a time between rounds that is none", ["sync", "--watch", "--every", "0"], /--every takes minutes, .* not "0"/],
  ["--watch without a terminal", ["status", "--watch"], /--watch paints on a terminal/],
  ["a number of lines that is none", ["logs", "-n", "many"], /--lines: "many" is not a number of lines/],
  ["attach without a terminal", ["attach"], /attach needs a terminal/],
];

for (const [name, argv, sentence] of misuses) {
  test(`${name} is a usage error: exit code 2, a sentence on standard error, no stack trace`, async () => {
    const { code, out, note } = await typed(...argv);
    assert.equal(code, 2);
    assert.equal(out, "");
    assert.match(note, sentence);
    assert.doesNotMatch(note, /\n/);
  });
}

test("without the Pulumi CLI every command names what to run", async () => {
  const terminal = fakeTerminal({ env: { PATH: "/nowhere" } });
  assert.equal(await main(["env"], terminal), 2);
  assert.match(terminal.noted.join(), /The Pulumi CLI is not there. Run: npm run setup/);
});

test("a state directory that cannot be used is a sentence with its path", async () => {
  const terminal = fakeTerminal({ env: { PATH: "/usr/bin:/bin", VAST_TRAINING_HOME: "/dev/null/state" } });
  assert.equal(await main(["sweep"], terminal), 1);
  const said = "/dev/null/state cannot be used: a part of the path is no folder (ENOTDIR)";
  assert.ok(terminal.noted.join("\n").includes(said), terminal.noted.join("\n"));
  assert.doesNotMatch(terminal.noted.join("\n"), /\n\s+at /);
});
