import assert from "node:assert/strict";
import { test } from "node:test";
import { commands, main } from "../../cli/main.ts";
import { fakeTerminal } from "../support/fake-terminal.ts";

async function typed(...argv: string[]) {
  const terminal = fakeTerminal();
  const code = await main(argv, terminal);
  return { code, out: terminal.written.join("\n"), note: terminal.noted.join("\n") };
}

test("help is data: it goes to standard output and ends with 0", async () => {
  for (const argv of [["--help"], ["-h"], ["help"]]) {
    const { code, out, note } = await typed(...argv);
    assert.equal(code, 0);
    assert.equal(note, "");
    for (const { name, summary } of commands) assert.match(out, new RegExp(`\\n  ${name} +${summary}\\n`));
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
      for (const name of [...Object.keys(command.options), "stack", "help"]) assert.ok(out.includes(`--${name}`), name);
      assert.match(out, /Example/);
    }
  }
});

test("help fits a terminal of 120 columns", async () => {
  const texts = await Promise.all([typed("--help"), ...commands.map(({ name }) => typed(name, "--help"))]);
  for (const line of texts.flatMap(({ out }) => out.split("\n"))) assert.ok(line.length <= 120, line);
});

const misuses: [string, string[], RegExp][] = [
  ["no command", [], /a command is missing; write one of env, logs/],
  ["an unknown command", ["stop"], /"stop" is not a command; write one of env, logs/],
  ["an unknown option", ["env", "--all"], /Unknown option '--all'\.\nUsage: vast-run env/],
  ["an option without its value", ["env", "--stack"], /'-s, --stack <value>' argument missing\.\nUsage/],
  ["a stray word", ["sync", "here"], /Unexpected argument 'here'/],
  ["a number of lines that is none", ["logs", "-n", "many"], /--lines: "many" is not a number of lines/],
  ["attach without a terminal", ["attach"], /attach needs a terminal/],
];

for (const [name, argv, sentence] of misuses) {
  test(`${name} is a usage error: exit code 2, a sentence on standard error, no stack trace`, async () => {
    const { code, out, note } = await typed(...argv);
    assert.equal(code, 2);
    assert.equal(out, "");
    assert.match(note, sentence);
    assert.doesNotMatch(note, /\n\s+at /);
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
