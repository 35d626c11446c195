import assert from "node:assert/strict";
import { test } from "node:test";
import { drawsTable, fitted, narrowIn, OwnLine } from "../../../components/pulumi/own-line.ts";
import { CANCELLED } from "../../../components/vast/journal/trouble.ts";

test("a text stands on the cursor's row until the next one, and is gone at the end", async () => {
  const written: string[] = [];
  const line = new OwnLine(async () => ({ columns: 20, write: (text) => void written.push(text) }));
  const row = (text: string) => `\u001b7\r\u001b[K${text}\u001b8`;
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  line.show("too early");
  line.begin();
  line.show("2/6 image pull, 41 s");
  await settled();
  line.show("set-up");
  await settled();
  assert.deepEqual(written, [row("2/6 image pull, 41…"), row("set-up")]);
  line.end();
  line.show("too late");
  await settled();
  assert.deepEqual(written.slice(2), [row("")]);
  line.begin();
  line.show("so short");
  line.end();
  await settled();
  assert.equal(written.length, 3, "what ends before it is painted leaves nothing");
});

test("without a terminal nothing is written", async () => {
  const line = new OwnLine(async () => undefined);
  line.begin();
  line.show("a text");
  line.end();
  await new Promise((resolve) => setImmediate(resolve));
});

test("a line stays within the row, and its last column stays empty", () => {
  assert.equal(fitted("2/6 image pull, 41 s", 80), "2/6 image pull, 41 s");
  assert.equal(fitted("x".repeat(79), 80), "x".repeat(79));
  assert.equal(fitted("x".repeat(80), 80), `${"x".repeat(78)}…`);
});

test("what people wait for, its seconds and the way out of ^C fit in 80 columns", () => {
  const line = `run-instance: 1/6 waiting for the host, 1799 s; ${CANCELLED}`;
  assert.equal(fitted(line, 90), line);
  assert.match(fitted(line, 80), /^run-instance: 1\/6 waiting for the host, 1799 s; kept when ready; \^C/);
});

const TERMINAL = ["/dev/pts/3", "/dev/pts/3"];

test("Pulumi draws a table in a terminal only, unless it is told otherwise", () => {
  assert.equal(drawsTable(["pulumi", "up", "-s", "dev", "--yes"], TERMINAL), true);
  assert.equal(drawsTable(["pulumi", "up"], ["/dev/tty1", "/dev/tty1"]), true);
  for (const flag of ["--non-interactive", "--diff", "--json", "-j", "--diff=true"])
    assert.equal(drawsTable(["pulumi", "up", flag], TERMINAL), false, flag);
  for (const files of [
    ["/dev/pts/3", "pipe:[17]"],
    ["/dev/null", "/dev/pts/3"],
    ["/dev/pts/3", "/home/me/up.log"],
  ])
    assert.equal(drawsTable(["pulumi", "up"], files), false, files.join());
});

test("nothing is written where Info has room, nor where a write from the background would stop us", () => {
  const stty = (columns: number, tostop: string) =>
    `speed 38400 baud; rows 24; columns ${columns}; line = 0;\n-parenb cs8\nisig icanon echo -noflsh -xcase ${tostop} -echoprt\n`;
  assert.equal(narrowIn(stty(80, "-tostop")), 80);
  assert.equal(narrowIn(stty(119, "-tostop")), 119);
  assert.equal(narrowIn(stty(120, "-tostop")), undefined);
  assert.equal(narrowIn(stty(80, "tostop")), undefined);
  assert.equal(narrowIn(stty(0, "-tostop")), undefined, "a terminal that does not know its size");
  assert.equal(narrowIn(""), undefined);
});
