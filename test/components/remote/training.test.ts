import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { standingScript, stopScript, trainScript } from "../../../components/remote/scripts.ts";
import { needsRoot } from "../../support/sshd.ts";
import { type Box, carriersOf, ENDS, ended, killNow, openBox, stepOf, until } from "./box.ts";

/** Says when it is ready, and when it is asked to end, saves, which takes a moment. A file for each, in its folder. */
const SAVER = `
echo "$$" >"$1.ready.new"
trap 'echo asked >>"$1.asked"; [ -e "$1.done" ] || { sleep 0.7; echo saved >"$1.done"; exit 0; }' TERM
mv "$1.ready.new" "$1.ready"
while :; do sleep 0.05; done
`;

/** How a launch script may put a trainer into the background; SAVE is the trainer. */
const BACKGROUNDS = [
  "SAVE &",
  "nohup SAVE >/dev/null 2>&1 &",
  "setsid SAVE &",
  "SAVE & disown",
  "(SAVE &)",
  "(setsid nohup SAVE >/dev/null 2>&1 </dev/null &)",
  "setsid bash -c 'env -i PATH=\"$PATH\" SAVE & wait' &",
  "set -m; SAVE & set +m",
];

/** A command that starts them all, and waits until each is ready. */
function launch(box: Box, backgrounds: readonly string[], end: string): string {
  box.write(join(box.workspace, "repo/saver.sh"), SAVER);
  const lines = backgrounds.flatMap((text, at) => {
    const file = join(box.workspace, `b${at}`);
    return [text.replace("SAVE", `bash saver.sh ${file}`), `until [ -e ${file}.ready ]; do sleep 0.05; done`];
  });
  return [...lines, end].join("\n");
}

const stop = (box: Box, stopGraceSeconds: number) =>
  box.run(stopScript({ workspace: box.workspace, stopGraceSeconds }));
/** The step, of a training that ends. */
const brief = (box: Box, command: string) => box.run(`${ENDS}\n${trainScript(stepOf(box, command))}`);
const standing = async (box: Box) => (await box.run(standingScript(box))).out;
const idOf = (box: Box) => box.read(".vast-training/train.id").trim();

test("what the command has left in the background is training: up says so, and stop asks each once and waits for it", async (t) => {
  const box = openBox(t);
  const step = stepOf(box, launch(box, BACKGROUNDS, "exit 0"));
  const up = await box.run(trainScript(step));
  assert.equal(up.code, 0, up.err);
  // A launch of so many may take longer than up watches it.
  await until(
    () => box.read("train.log").includes("The command has ended"),
    () => box.read("train.log"),
  );
  const left = /training: The command has ended with exit code 0 and left \d+ processes \((bash|sleep) \d+.*\) running/;
  assert.match(up.out, new RegExp(`^training: started, pid|^${left.source}`, "m"));
  assert.equal(await standing(box), "open\n");
  const again = await box.run(trainScript(step));
  assert.match(again.out, new RegExp(`runs already, pid \\d+\\n${left.source}`));
  const stopped = await stop(box, 60);
  assert.equal(stopped.code, 0, stopped.err);
  assert.match(stopped.out, /^training has stopped after \d+ s\n$/);
  for (const [at, text] of BACKGROUNDS.entries()) {
    assert.equal(box.read(`b${at}.done`), "saved\n", text);
    assert.equal(box.read(`b${at}.asked`), "asked\n", text);
  }
  assert.deepEqual(carriersOf(idOf(box)), []);
  assert.equal(box.read("train.exit"), "0\n");
  assert.equal(await standing(box), "open\n", "it was asked to end");
});

test("training has ended when the last that its command has left has, with the code of the command", async (t) => {
  const box = openBox(t);
  const go = join(box.workspace, "go");
  const step = stepOf(box, `setsid bash -c 'until [ -e ${go} ]; do sleep 0.05; done; echo last' & exit 0`);
  assert.equal((await box.run(trainScript(step))).code, 0);
  assert.equal(box.read("train.exit"), "");
  assert.equal(await standing(box), "open\n");
  await until(
    () => /exit code 0 and left \d+ process/.test(box.read("train.log")),
    () => box.read("train.log"),
  );
  writeFileSync(go, "");
  await ended(box);
  assert.equal(box.read("train.exit"), "0\n");
  await until(
    () => /and left [\s\S]*last\n[\s\S]*Training has ended with exit code 0/.test(box.read("train.log")),
    () => box.read("train.log"),
  );
  assert.match(await standing(box), /^final /);
  assert.match((await box.run(trainScript(step))).out, /has ended with exit code 0/);
});

test("a command that fails fails the step, though something of it runs on", async (t) => {
  const box = openBox(t);
  const sleeps = 'setsid sleep 1000 & until [ "$(cat /proc/$!/comm)" = sleep ]; do sleep 0.05; done';
  const { code, err } = await box.run(
    `WATCH_SECONDS=60\n${trainScript(stepOf(box, `${sleeps}; echo no module x; exit 3`))}`,
  );
  assert.equal(code, 1);
  for (const words of [/exit code 3 and left \d+ process.*sleep \d+\) running/, /no module x/, /pulumi destroy/]) {
    assert.match(err, words);
  }
  await stop(box, 60);
  assert.equal(box.read("train.exit"), "3\n");
});

test("what ends a moment after the command is nothing to speak of", async (t) => {
  const box = openBox(t);
  const { out } = await brief(box, "setsid sleep 0.5 & exit 0");
  assert.match(out, /training: has ended with exit code 0/);
  assert.doesNotMatch(box.read("train.log"), /left/);
});

test("who is started to save while training ends is let be and waited for", async (t) => {
  const box = openBox(t);
  const file = join(box.workspace, "late");
  const save = `trap "echo disturbed >>${file}" TERM; for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.1; done; echo saved >>${file}`;
  box.write(join(box.workspace, "repo/save.sh"), save);
  const trap = "trap 'bash save.sh; setsid bash save.sh & exit 0' TERM";
  await box.run(trainScript(stepOf(box, `${trap}; echo ready; while :; do sleep 0.05; done`)));
  assert.match((await stop(box, 60)).out, /has stopped/);
  assert.equal(box.read("late"), "saved\nsaved\n");
});

test("what does not listen is killed after the grace, and what was started late is asked before", async (t) => {
  const box = openBox(t);
  const file = join(box.workspace, "again");
  const worker = `trap "echo asked >>${file}; exit" TERM; >${file}.ready; while :; do sleep 0.05; done`;
  box.write(join(box.workspace, "repo/worker.sh"), worker);
  // Starts its worker again and again, as a supervisor does.
  const supervisor = "trap '' HUP; trap : TERM; while :; do bash worker.sh; done";
  box.write(join(box.workspace, "repo/supervisor.sh"), supervisor);
  await box.run(
    trainScript(stepOf(box, `setsid bash supervisor.sh & until [ -e ${file}.ready ]; do sleep 0.05; done; exit 0`)),
  );
  const { out } = await stop(box, 4);
  assert.match(out, /did not end within 4 s and was killed/);
  assert.deepEqual(carriersOf(idOf(box)), []);
  assert.ok(box.read("again").split("\n").length > 2, "both the first worker and a later one");
  assert.equal(box.read("train.exit"), "0\n");
});

test("when the shell of training was killed alone, what it has left is training, asked and waited for", async (t) => {
  const box = openBox(t);
  const step = stepOf(box, launch(box, ["setsid SAVE &"], "echo ready; sleep 1000"));
  await box.run(trainScript(step));
  const group = box.read(".vast-training/train.pid").split(" ")[0];
  await box.run(`kill -KILL -- -${group}; while grep -qs "^State:\\s[^ZX]" /proc/${group}/status; do sleep 0.02; done`);
  assert.equal(await standing(box), "open\n");
  const up = await box.run(trainScript(step));
  assert.match(up.out, /runs already, without the shell that has started it: \d process/);
  assert.match((await stop(box, 60)).out, /what was left of training, .*bash \d+.*, has stopped after/);
  assert.equal(box.read("b0.done"), "saved\n");
});

for (const tool of ["grep", "find"])
  test(`where ${tool} is killed nobody knows whether training runs: it is not over, and stop says so`, async (t) => {
    const box = openBox(t);
    await brief(box, "exit 0");
    assert.match(await standing(box), /^final /);
    box.write(join(box.root, `bin/${tool}`), "#!/bin/sh\nkill -KILL $$\n");
    const shimmed = (script: string) => box.run(`chmod +x ${box.root}/bin/*; PATH=${box.root}/bin:$PATH\n${script}`);
    assert.equal((await shimmed(standingScript(box))).out, "open\n");
    const { code, err } = await shimmed(stopScript({ workspace: box.workspace, stopGraceSeconds: 1 }));
    assert.notEqual(code, 0);
    assert.match(err, /cannot be looked for on this machine/);
  });

test("whoever holds a checkpoint open for writing keeps training from being recorded as finished", async (t) => {
  const box = openBox(t);
  await brief(box, "exit 0");
  assert.match(await standing(box), /^final /);
  const file = join(box.workspace, "byhand");
  const held = join(box.workspace, "checkpoints/step_9");
  box.write(join(box.workspace, "saver.sh"), SAVER);
  await box.run(
    `setsid bash ${box.workspace}/saver.sh ${file} 9>${held} >/dev/null 2>&1 & until [ -e ${file}.ready ]; do sleep 0.05; done`,
  );
  const pid = Number(readFileSync(`${file}.ready`, "utf8"));
  t.after(() => killNow(pid));
  assert.equal(await standing(box), "open\n");
  const { out } = await stop(box, 60);
  assert.match(out, new RegExp(`what was left of training, .*bash ${pid}.*, has stopped after`));
  assert.equal(box.read("byhand.done"), "saved\n");
  assert.match(await standing(box), /^final /);
});

test(
  "on a disk that is full training is asked to save all the same, and what could not be written is said",
  needsRoot,
  async (t) => {
    const box = openBox(t, "1m");
    const saved = join(box.home, "saved");
    await box.run(
      trainScript(
        stepOf(box, `trap 'echo saved >${saved}; exit 0' TERM; echo ready; while :; do sleep 0.05; done`, {
          tickSeconds: 0.1,
        }),
      ),
    );
    // A note can be overwritten there, and not be begun.
    await until(
      () => box.read(".vast-training/train.hours") !== "",
      () => "the guard does not look",
    );
    // Nothing of the machine writes any more than this. What the guard is just replacing makes room once more.
    const fill = `cat /dev/zero >>${box.workspace}/fill 2>/dev/null`;
    const replaced = `compgen -G '${box.workspace}/.vast-training/*.new' >/dev/null`;
    await box.run(`${fill}; while ${replaced}; do sleep 0.02; done; ${fill}`);
    const stopped = await stop(box, 60);
    assert.equal(stopped.code, 0, stopped.err);
    assert.equal(readFileSync(saved, "utf8"), "saved\n");
    assert.match(stopped.out, /cannot write \S+\/hold: its disk is full, or read-only\n[\s\S]*has stopped/);
    assert.equal(await standing(box), "open\n");
    assert.ok(existsSync(join(box.workspace, ".vast-training/train.stop")), "an empty mark needs no room");
    assert.match(box.read(".vast-training/train.hours"), /^[0-9a-f]{64} \d+$/m, "the hours count on");
  },
);

test("on a disk that has become read-only training is asked to save as well", needsRoot, async (t) => {
  const box = openBox(t, "1m");
  const saved = join(box.home, "saved");
  await box.run(
    trainScript(stepOf(box, `trap 'echo saved >${saved}; exit 0' TERM; echo ready; while :; do sleep 0.05; done`)),
  );
  execFileSync("mount", ["--bind", box.workspace, box.workspace]);
  try {
    execFileSync("mount", ["-o", "remount,bind,ro", box.workspace]);
    const stopped = await stop(box, 60);
    assert.equal(stopped.code, 0, stopped.err);
    assert.equal(readFileSync(saved, "utf8"), "saved\n");
    assert.match(stopped.out, /cannot write \S+\/train.stop: its disk is full, or read-only\n[\s\S]*has stopped/);
    assert.equal(await standing(box), "open\n");
  } finally {
    execFileSync("umount", ["--lazy", box.workspace]);
  }
});
