import assert from "node:assert/strict";
import { test } from "node:test";
import { progressOn } from "../../../cli/command/progress.ts";
import { fakeTerminal } from "../../support/fake-terminal.ts";

const told = [
  "listing",
  "checkpoints 0 %, 0kB/s",
  "checkpoints 1 %, 9kB/s",
  "checkpoints 1 %, 9kB/s",
  "verifying 5 % of 9 kB",
];

test("in a file, each kind of work is told once, and again only after a while", () => {
  const terminal = fakeTerminal();
  let now = 0;
  const progress = progressOn(terminal, () => now);
  for (const text of told) progress.show(text);
  assert.deepEqual(terminal.noted, ["listing", "checkpoints 0 %, 0kB/s", "verifying 5 % of 9 kB"]);
  now = 2000;
  progress.show("verifying 50 % of 9 kB");
  progress.show("verifying 51 % of 9 kB");
  assert.deepEqual(terminal.noted.slice(3), ["verifying 50 % of 9 kB"]);
  progress.end();
});

test("in a terminal one line is overwritten, and removed at the end", () => {
  const statuses: string[] = [];
  const terminal = fakeTerminal({ status: (text) => statuses.push(text) });
  const progress = progressOn(terminal);
  for (const text of told) progress.show(text);
  progress.end();
  assert.deepEqual(statuses, [...told, ""]);
  assert.deepEqual(terminal.noted, []);
});
