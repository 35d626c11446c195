import assert from "node:assert/strict";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setImmediate, setTimeout as sleep } from "node:timers/promises";
import { markOf, stateOf } from "../../../components/programs/process.ts";
import { type Cut, runProgram, runProgramNow, startProgram } from "../../../components/programs/program.ts";

const sh = (script: string) => ["sh", "-c", script];
const runs = (pid = "") => stateOf(markOf(Number(pid))) === "running";

test("what a program says, and how it ends, is data", async () => {
  const { code, stdout, stderr, ...rest } = await runProgram(sh('cat; echo "$X" >&2; exit 3'), {
    input: "in",
    env: { PATH: process.env.PATH, X: "y" },
    cwd: "/",
  });
  assert.deepEqual([code, stdout.toString(), stderr, rest], [3, "in", "y\n", { signal: null }]);
  const killed = await runProgram(sh("kill -9 $$"));
  assert.deepEqual([killed.code, killed.signal, killed.cut], [null, "SIGKILL", undefined]);
});

test("a program that cannot be run is data too", async () => {
  const there = await runProgram(["/no/such/program"], { input: "x" });
  assert.match(there.unstarted?.message ?? "", /ENOENT/);
  const long = await runProgram(["true", "x".repeat(4_000_000)]);
  assert.match(long.unstarted?.message ?? "", /E2BIG/);
  assert.match(runProgramNow(["/no/such/program"]).unstarted?.message ?? "", /ENOENT/);
});

test("what ended it is told", async () => {
  const late = await runProgram(sh("exec sleep 60"), { timeoutMs: 100 });
  assert.deepEqual([late.cut, late.signal], ["timeout", "SIGTERM"]);
  assert.equal((await runProgram(sh("echo a; exec sleep 60"), { silenceMs: 100 })).cut, "silence");
  const endless = await runProgram(["yes"], { mostOutput: 100_000 });
  assert.equal(endless.cut, "output");
  assert.ok(endless.stdout.length <= 100_000);
  assert.equal((await runProgram(sh("exec yes >&2"))).cut, "output");
  assert.equal((await runProgram(["yes"], { signal: AbortSignal.timeout(50), mostOutput: 1e9 })).cut, "aborted");
  const never = await runProgram(["/no/such/program"], { signal: AbortSignal.abort() });
  assert.deepEqual([never.cut, never.unstarted], ["aborted", undefined]);
});

test("what has ended while this process was held up was not late", async () => {
  const began = performance.now();
  const program = startProgram(sh("echo done; exit 3"), { timeoutMs: 50 });
  while (runs(String(program.pid)) || performance.now() - began < 60) hold(5);
  const { code, cut, stdout } = await program.ended;
  assert.deepEqual([code, cut, stdout.toString()], [3, undefined, "done\n"]);
});

/** Nothing else happens in this process for so long. */
function hold(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

test("one that has ended, and whose helper holds its output, is waited for no longer than any", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { promise: helper, resolve } = Promise.withResolvers<string>();
  const program = startProgram(sh("sleep 1000 & echo $!"), { timeoutMs: 1000, onLine: resolve });
  const pid = await helper;
  t.after(() => void process.kill(Number(pid), "SIGKILL"));
  while (runs(String(program.pid))) await setImmediate();
  let cut: Cut | undefined;
  for (void program.ended.then((ended) => (cut = ended.cut)); cut === undefined; await setImmediate())
    t.mock.timers.tick(1000);
  assert.deepEqual([cut, runs(pid)], ["timeout", true]);
});

test("one that does not listen to SIGTERM is killed, and so is what it started in its group", async () => {
  const lines: string[] = [];
  const program = startProgram(sh("trap '' TERM; sleep 60 & echo $!; wait; sleep 60"), {
    ownGroup: true,
    graceMs: 50,
    onLine: (line) => {
      lines.push(line);
      program.end();
    },
  });
  const { signal, cut } = await program.ended;
  assert.deepEqual([signal, cut], ["SIGKILL", "ended"]);
  // A process that is killed closes its files a moment before it has ended.
  while (runs(lines[0])) await sleep(10);
});

test("a helper that it leaves behind does not hold its end up", async (t) => {
  const { promise: helper, resolve } = Promise.withResolvers<string>();
  const program = startProgram(sh("sleep 1000 & echo $!; wait"), { graceMs: 50, onLine: resolve });
  const pid = await helper;
  t.after(() => void process.kill(Number(pid), "SIGKILL"));
  program.end();
  const { cut } = await program.ended;
  assert.deepEqual([cut, runs(pid)], ["ended", true]);
});

test("one talks to it, line by line", async () => {
  const heard: string[] = [];
  const program = startProgram(["sh", "-c", 'read a; echo "got $a"; read b; echo "got $b"; printf last; cat >&2'], {
    talks: true,
    keepsOutput: false,
    onLine: (line, stream) => {
      heard.push(`${stream} ${line}`);
      if (line === "got one") void program.write("two\n");
      if (line === "got two") program.close();
    },
  });
  await program.write("one\n");
  const { code, stdout } = await program.ended;
  assert.deepEqual([code, stdout.length, program.isOpen()], [0, 0, false]);
  assert.deepEqual(heard, ["stdout got one", "stdout got two", "stdout last"]);
  await program.write("nobody listens");
});

test("of many complaints the last are kept, and a file may take the output", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "program-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = openSync(join(folder, "out"), "w");
  const script = "echo there; seq 1 100000 >&2";
  const { stdout, stderr } = await runProgram(sh(script), { output: file, keptComplaints: 7 });
  closeSync(file);
  assert.deepEqual([stdout.length, stderr, readFileSync(join(folder, "out"), "utf8")], [0, "100000\n", "there\n"]);
});
