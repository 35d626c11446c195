import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { script } from "../../../components/remote/script.ts";
import { killNow, openBox, until } from "./box.ts";

const lives = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

test("a step that goes on and on is ended with all that it has started, and a guard is not", async (t) => {
  const box = openBox(t);
  const file = (name: string) => join(box.root, name);
  const body = `
setsid sh -c 'echo $$ >${file("guard")}; exec sleep 1000' </dev/null >/dev/null 2>&1 &
timeout 1000 bash -c 'trap "" TERM; echo $$ >${file("hangs")}; sleep 1000; true' &
try_logged step bash -c 'echo $$ >${file("says")}; while :; do echo on and on; sleep 0.1; done' &
while :; do say "on and on"; sleep 0.1; done`;
  const begins = ["guard", "hangs", "says"].map((name) => `until [ -s ${file(name)} ]; do sleep 0.05; done`).join("; ");
  const text = script({ WORKSPACE: box.workspace, STEP_SECONDS: "1" }, "common")
    .replace("\nexit 0\n", () => `\n${body}\n`)
    // Its time begins when everything that it shall end is there.
    .replace("\nwatch_step() {\n", (begin) => `${begin}${begins}\n`);
  const { code, err } = await box.run(text);
  assert.notEqual(code, 0);
  assert.match(err, /^this step took longer than stepMaxMinutes allows \(1 s\), and was ended.*\n$/);
  const pid = (name: string) => Number(box.read(`../${name}`));
  const [guard, hangs, says] = [pid("guard"), pid("hangs"), pid("says")];
  assert.ok(guard > 0 && hangs > 0 && says > 0);
  t.after(() => killNow(guard));
  await until(
    () => !lives(hangs) && !lives(says),
    () => "something of the step still runs",
  );
  assert.ok(lives(guard), "what has a session of its own goes on");
});

test("what watches a step ends with it", async (t) => {
  const box = openBox(t);
  const text = script({ WORKSPACE: box.workspace, STEP_SECONDS: "1000" }, "common");
  const said = await box.run(text.replace("\nexit 0\n", `\nsay "$!"; exit 3\n`));
  assert.equal(said.code, 3);
  assert.equal(said.err, "");
  await until(
    () => !lives(Number(said.out)),
    () => `the watch ${said.out} still runs`,
  );
});
