import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
import { processesWith } from "../../../scripts/lib/traces.ts";
import { projectDir } from "../../../scripts/lib/workspace.ts";
import { kill } from "../../kills/processes.ts";

const modules = `
  import { ownFolder, removeOwnFolder, sweepLeftovers } from "${projectDir}/scripts/quickstart/leftovers.ts";
  import { openWorkspace } from "${projectDir}/scripts/lib/workspace.ts";
`;

function temporary(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "vast-sweep-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs a few lines as a quickstart would be run, with its own folder for temporary files. */
function play(TMPDIR: string, code: string) {
  const child = spawn("node", ["--input-type=module-typescript", "-e", modules + code], {
    env: { ...process.env, TMPDIR },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ended = new Promise((resolve) => child.once("exit", resolve));
  return { child, line: async () => String((await lines.next()).value), ended };
}

const hold = "console.log(openWorkspace({ parent: ownFolder() }).root); setInterval(() => {}, 1000);";

test("a quickstart that was killed is cleaned up by the next one", async (t) => {
  const place = temporary(t);
  const first = play(place, hold);
  const root = await first.line();
  assert.ok(existsSync(root));
  first.child.kill("SIGKILL");
  await first.ended;
  assert.equal(await play(place, "console.log(await sweepLeftovers());").line(), "1");
  assert.deepEqual(readdirSync(place), []);
});

test("what a process of a killed quickstart starts as it is ended is ended as well", async (t) => {
  const place = temporary(t);
  const first = play(place, hold);
  const root = await first.line();
  first.child.kill("SIGKILL");
  await first.ended;
  const script = "trap 'sleep 1000 >/dev/null & exit' TERM; echo ready; while :; do sleep 0.01; done";
  const home = join(root, "home");
  const left = spawn("sh", ["-c", script], { env: { ...process.env, VAST_TRAINING_HOME: home }, stdio: "pipe" });
  const living = () => processesWith(`VAST_TRAINING_HOME=${home}`);
  t.after(() => kill(living(), "SIGKILL"));
  await once(left.stdout, "data");
  assert.equal(await play(place, "console.log(await sweepLeftovers());").line(), "1");
  assert.deepEqual(living(), []);
});

test("a quickstart that still runs is left alone", async (t) => {
  const place = temporary(t);
  const first = play(place, hold);
  t.after(() => first.child.kill("SIGKILL"));
  const root = await first.line();
  assert.equal(await play(place, "console.log(await sweepLeftovers());").line(), "0");
  assert.ok(existsSync(root));
});

test("a quickstart that ends takes its folder along", async (t) => {
  const place = temporary(t);
  const code = "const f = ownFolder(); openWorkspace({ parent: f }); removeOwnFolder(f); console.log('ended');";
  const first = play(place, code);
  assert.equal(await first.line(), "ended");
  assert.deepEqual(readdirSync(place), []);
});

test("a link of the shelf's name is not followed", async (t) => {
  const place = temporary(t);
  const elsewhere = join(place, "elsewhere");
  mkdirSync(join(elsewhere, "1.2"), { recursive: true });
  symlinkSync(elsewhere, join(place, `vast-quickstart-${userInfo().uid}`));
  assert.match(
    await play(place, "await sweepLeftovers().catch((error) => console.log(error.message));").line(),
    /set TMPDIR/,
  );
  assert.ok(existsSync(join(elsewhere, "1.2")));
});
