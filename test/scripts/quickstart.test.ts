import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type RunningCommand, startCommand } from "../../scripts/lib/command.ts";
import { leftoversIn, processesWith } from "../../scripts/lib/traces.ts";
import { projectDir } from "../../scripts/lib/workspace.ts";
import { notAll } from "../support/all.ts";

const isRoot = process.getuid?.() === 0 && process.platform === "linux";
const needsRoot = isRoot ? false : "the simulator's machines need root on Linux";

/** A quickstart with its own folder for temporary files; `reached` resolves when a line fits. */
interface Play extends RunningCommand {
  reached(line: RegExp): Promise<void>;
}

function play(place: string): Play {
  const waiting: { line: RegExp; resolve: () => void }[] = [];
  const command = startCommand("node", ["scripts/quickstart.ts"], {
    cwd: projectDir,
    env: { ...process.env, TMPDIR: place, PLAYED_IN: place },
    onLine: (text) => {
      for (const { line, resolve } of waiting) if (line.test(text)) resolve();
    },
  });
  const reached = (line: RegExp) => {
    const ended = command.result.then(({ stdout, stderr }) =>
      assert.fail(`it never came to ${line}:\n${stdout}\n${stderr}`),
    );
    const seen = new Promise<void>((resolve) => waiting.push({ line, resolve }));
    return Promise.race([seen, ended]);
  };
  return { ...command, reached };
}

function place(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "vq-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The files that Pulumi would rewrite, and everything else in the project's folder by name. */
function projectFiles(): unknown[] {
  const names = readdirSync(projectDir);
  const stacks = names.filter((name) => /^Pulumi.*\.yaml$/.test(name));
  return [names, ...stacks.map((name) => readFileSync(join(projectDir, name), "utf8"))];
}

async function assertNothingLeft(folder: string, filesBefore: unknown[]): Promise<void> {
  const living = () => processesWith(`PLAYED_IN=${folder}`);
  // What was killed may take a moment to be gone.
  for (let tries = 0; tries < 100 && living().length > 0; tries++) await sleep(100);
  assert.deepEqual(living(), []);
  assert.deepEqual(leftoversIn(folder), []);
  assert.deepEqual(projectFiles(), filesBefore);
}

test("a killed quickstart does not hinder the next, which shows the whole job", { skip: needsRoot }, async (t) => {
  const [folder, before] = [place(t), projectFiles()];
  const killed = play(folder);
  t.after(() => killed.kill());
  await killed.reached(/^\$ pulumi up/);
  killed.signal("SIGKILL");
  await killed.result;

  const { code, stdout, stderr } = await play(folder).result;
  assert.equal(code, 0, stdout + stderr);
  assert.match(stdout, /Removed what 1 earlier quickstart left behind/);
  for (const shown of [/cost *: /, /loss/, /sha256/, /running now: 0/, /The loss went from/, /Done in \d+ s/]) {
    assert.match(stdout, shown);
  }
  assert.ok(!stdout.includes("\x1b"), "no colours where nobody has a terminal");
  await assertNothingLeft(folder, before);
});

test("^C in the middle of up destroys what was made and removes everything", {
  skip: needsRoot || notAll,
}, async (t) => {
  const [folder, before] = [place(t), projectFiles()];
  const interrupted = play(folder);
  t.after(() => interrupted.kill());
  await interrupted.reached(/run-instance creating .*rented offer/);
  interrupted.signal("SIGINT");
  const { code, stdout, stderr } = await interrupted.result;
  assert.equal(code, 130, stdout + stderr);
  assert.match(stdout, /Interrupted/);
  assert.match(stdout, /Everything that was started has ended and is removed/);
  await assertNothingLeft(folder, before);
});
