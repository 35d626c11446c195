import assert from "node:assert/strict";
import { test } from "node:test";
import { TerminalText } from "../../../cli/command/terminal-text.ts";

/** The text in pieces of so many bytes. */
function shown(text: string, size = 1000): string {
  const [bytes, terminal] = [Buffer.from(text), new TerminalText()];
  let out = "";
  for (let at = 0; at < bytes.length; at += size) out += terminal.write(bytes.subarray(at, at + size));
  return out + terminal.end();
}

const cases: [what: string, text: string, shown: string][] = [
  ["text", "loss 0.1\t50 %|█████     |\r\n", "loss 0.1\t50 %|█████     |\r\n"],
  ["colours", "\x1b[1;32mgood\x1b[0m\n", "\x1b[1;32mgood\x1b[0m\n\x1b[0m"],
  ["a colour that is not taken back", "\x1b[8mhidden", "\x1b[8mhidden\x1b[0m"],
  ["clearing and moving", "a\x1b[2J\x1b[1;1Hb\x1b[?1049hc", "abc"],
  ["a window title", "a\x1b]0;title\x07b", "ab"],
  ["the clipboard", "a\x1b]52;c;cm0gLXJm\x1b\\b", "ab"],
  ["device control", 'a\x1bP$q"p\x1b\\b', "ab"],
  ["a reset", "a\x1bcb", "acb"],
  ["bells, backspaces, eight-bit controls", "a\x07\b\x7f\u009b2Jb", "a2Jb"],
  ["marks that turn the direction of text", "a\u202eb", "ab"],
  ["a sequence that never ends", `a\x1b]0;${"x".repeat(9)}`, "a"],
];

for (const [what, text, wanted] of cases) {
  for (const size of [1000, 1, 3]) {
    test(`${what}, ${size} bytes at a time`, () => assert.equal(shown(text, size), wanted));
  }
}

test("a sequence without end does not hold back what follows", () => {
  const terminal = new TerminalText();
  let held = 0;
  terminal.write(Buffer.from("\x1b]0;"));
  for (let count = 0; count < 100; count++) held += terminal.write(Buffer.from("x".repeat(100))).length;
  assert.ok(held > 9000);
});
