import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type LogFrame, LogFrames } from "../../../cli/machine/log-frames.ts";
import { type LogPlace, type LogStep, logScript } from "../../../components/remote/scripts.ts";

function openLogs(t: TestContext) {
  const workspace = mkdtempSync(join(tmpdir(), "vast-log-"));
  t.after(() => rmSync(workspace, { recursive: true }));
  mkdirSync(join(workspace, "logs"));
  const log = join(workspace, "train.log");
  let aside = 0;
  return {
    log,
    write: (text: string) => appendFileSync(log, text),
    /** As a new start of training does. */
    putAside: () => renameSync(log, join(workspace, "logs", `train-20260101-00000${aside++}.log`)),
    start: (step: Omit<LogStep, "workspace">) => started(t, logScript({ workspace, ...step })),
  };
}

/** bash that runs the script as it would there, and what has come of it. */
function started(t: TestContext, script: string) {
  const bash = spawn("bash", ["-s"], { stdio: ["pipe", "pipe", "inherit"] });
  t.after(() => bash.kill());
  const closed = once(bash, "close");
  bash.stdin.end(`echo welcome; echo @9 9 9\n${script}`);
  const reader = new LogFrames();
  const frames: LogFrame[] = [];
  const text = () => frames.map((frame) => (frame.is === "bytes" ? frame.bytes.toString() : "")).join("");
  bash.stdout.on("data", (chunk: Buffer) => frames.push(...reader.read(chunk)));
  const place = (): LogPlace | undefined => frames.flatMap((frame) => (frame.is === "bytes" ? frame.place : [])).at(-1);
  const until = async (isTrue: () => boolean) => {
    while (!isTrue()) await once(bash.stdout, "data");
  };
  const ended = async () => (await closed)[0] as number | null;
  return { frames, text, place, until, ended };
}

test("the last lines, and from there on all that came later, each byte once", async (t) => {
  const logs = openLogs(t);
  logs.write("1\n2\n3\nhal");
  const first = logs.start({ lines: 2 });
  assert.equal(await first.ended(), 0);
  assert.equal(first.text(), "3\nhal");
  logs.write("f\n4\n");
  const next = logs.start({ from: first.place(), lines: 2 });
  await next.ended();
  assert.equal(next.text(), "f\n4\n");
});

test("the lines asked for, and no more, of a log that grows all the while", async (t) => {
  const logs = openLogs(t);
  logs.write("line\n".repeat(200_000));
  const writer = spawn("bash", ["-c", 'while :; do echo "line"; done >>"$0"', logs.log]);
  t.after(() => writer.kill("SIGKILL"));
  for (const lines of [0, 1, 3, 50, 100_000]) {
    const shown = logs.start({ lines });
    assert.equal(await shown.ended(), 0);
    assert.equal(shown.text(), "line\n".repeat(lines));
  }
});

test("logs that were put aside meanwhile are read to their ends, in their order", async (t) => {
  const logs = openLogs(t);
  logs.write("old\n");
  logs.putAside();
  logs.write("a\n");
  const first = logs.start({ lines: 9 });
  await first.ended();
  assert.equal(first.text(), "a\n");
  for (const text of ["b\n", "c\n", "d\n"]) {
    logs.write(text);
    logs.putAside();
  }
  logs.write("e\n");
  const next = logs.start({ from: first.place(), lines: 9 });
  await next.ended();
  assert.equal(next.text(), "b\nc\nd\ne\n");
  assert.equal(next.place()?.inode, String(statSync(logs.log).ino));
});

test("following goes on behind a log that is put aside, and waits where there is none", async (t) => {
  const logs = openLogs(t);
  const follower = logs.start({ lines: 0, follow: true });
  await follower.until(() => follower.frames.some(({ is }) => is === "waiting"));
  logs.write("a\n");
  await follower.until(() => follower.text() === "a\n");
  logs.write("b\n");
  logs.putAside();
  logs.write("c\n");
  await follower.until(() => follower.text().endsWith("c\n"));
  assert.equal(follower.text(), "a\nb\nc\n");
});

test("what was cut out of the middle is left out, and no byte behind it is lost", async (t) => {
  const logs = openLogs(t);
  const page = "x".repeat(4095);
  logs.write(`first\n${`${page}\n`.repeat(600)}last\n`);
  execFileSync("fallocate", ["--punch-hole", "--offset", "4096", "--length", String(4096 * 590), logs.log]);
  const whole = logs.start({ lines: "all" });
  assert.equal(await whole.ended(), 0);
  assert.equal(whole.place()?.offset, statSync(logs.log).size);
  const { length } = whole.text();
  assert.equal(length, statSync(logs.log).size - 4096 * 590);
  assert.ok(whole.text().startsWith("first\nx") && whole.text().endsWith("\nlast\n"));
});

test("a log that was begun anew, or is gone, is not taken for the one of before", async (t) => {
  const logs = openLogs(t);
  logs.write("a long one\n");
  const first = logs.start({ lines: 9 });
  await first.ended();
  writeFileSync(logs.log, "new\n");
  const anew = logs.start({ from: first.place(), lines: 9 });
  await anew.ended();
  assert.equal(anew.text(), "new\n");
  const other = logs.start({ from: { inode: "1", offset: 3 }, lines: 0 });
  await other.ended();
  assert.deepEqual([other.frames[0]?.is, other.text()], ["lost", "new\n"]);
});

test("without a log and without patience it ends with 66", async (t) => {
  assert.equal(await openLogs(t).start({ lines: 5 }).ended(), 66);
});

test("whoever stops listening is not followed for", async (t) => {
  const logs = openLogs(t);
  logs.write("a\n");
  const bash = spawn("bash", ["-s"], { stdio: ["pipe", "pipe", "inherit"] });
  t.after(() => bash.kill());
  const closed = once(bash, "close");
  bash.stdin.end(logScript({ workspace: join(logs.log, ".."), lines: 5, follow: true }));
  while (!String((await once(bash.stdout, "data"))[0]).endsWith("a\n"));
  bash.stdout.destroy(); // the log says nothing more
  await closed;
});

test("what is no log is refused, however it begins", () => {
  const frames = new LogFrames();
  assert.deepEqual([...frames.read(Buffer.from("motd\n"))], []);
  assert.throws(() => [...frames.read(Buffer.from("\n@begin\nhello\n"))], /is not the log/);
  const long = new LogFrames();
  assert.throws(() => [...long.read(Buffer.from("\n@begin\n@1 2 9999999\n"))], /too long/);
});

test("a log that was cut without a hole is not shown again", async (t) => {
  const logs = openLogs(t);
  logs.write("first\nmiddle, which is long\nlast, and longer than what stands for the middle\n".repeat(9));
  const first = logs.start({ lines: 9 });
  await first.ended();
  writeFileSync(logs.log, "first\n[vast-training] The log is cut here: its first and its last part are kept.\nlast\n");
  const next = logs.start({ from: first.place(), lines: 9 });
  await next.ended();
  logs.write("more\n");
  const later = logs.start({ from: next.place() ?? ({ ...first.place(), offset: 0 } as LogPlace), lines: 9 });
  await later.ended();
  assert.deepEqual([next.text(), later.text().endsWith("last\nmore\n")], ["", true]);
});
