import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
import { takeLock } from "../../../../components/checkpoints/store/lock.ts";
import { isRemoteError } from "../../../../components/ssh/remote-error.ts";

const MODULE = join(import.meta.dirname, "../../../../components/checkpoints/store/lock.ts");
const isLost = (error: unknown) => isRemoteError(error, "failed") && /taken over/.test((error as Error).message);

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "vast-lock-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, "7.lock");
}

/** A process that takes the lock and says so; each line that it is sent is evaluated with the lock at hand. */
async function otherProcess(t: TestContext, folder: string, prefix: readonly string[] = [], silenceMs = 60_000) {
  const program = `
    const { takeLock } = await import(${JSON.stringify(MODULE)});
    const options = { what: "vast-run sync", silenceMs: ${silenceMs}, onWait: () => {} };
    const lock = await takeLock(${JSON.stringify(folder)}, options);
    console.log("held");
    for await (const line of (await import("node:readline")).createInterface({ input: process.stdin })) {
      try { lock[line](); console.log("done"); } catch (error) { console.log(error.message); }
    }`;
  const [file = "", ...words] = [...prefix, process.execPath, "--input-type=module", "-e", program];
  const child = spawn(file, words, { stdio: ["pipe", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const said = async () => String((await lines.next()).value);
  const ask = async (method: "renew" | "release") => {
    child.stdin.write(`${method}\n`);
    return said();
  };
  return { child, said, ask };
}

test("the next one gets it when it is released, and its number is never used again", async (t) => {
  const folder = folderOf(t);
  const first = await takeLock(folder, { what: "first" });
  first.renew();
  let waited = "";
  const second = takeLock(folder, { what: "second", onWait: (text) => (waited = text) });
  while (waited === "") await new Promise((resolve) => setTimeout(resolve, 10));
  assert.match(waited, /^waiting for first \(process \d+, since \d\d:\d\d:\d\d UTC\), which works on the same folder$/);
  first.release();
  const lock = await second;
  assert.throws(() => first.renew(), isLost);
  lock.renew();
  lock.release();
  const [only, ...more] = readdirSync(folder);
  assert.deepEqual(more, [], "one small file stays");
  assert.ok(Number(only) > 4);
  (await takeLock(folder, { what: "third" })).release();
});

test("a process that was killed is followed at once", async (t) => {
  const folder = folderOf(t);
  const other = await otherProcess(t, folder);
  assert.equal(await other.said(), "held");
  other.child.kill("SIGKILL");
  await once(other.child, "exit");
  const lock = await takeLock(folder, { what: "pulumi destroy" });
  lock.release();
});

test("a process that was suspended loses it, and changes nothing when it goes on, whatever happened since", async (t) => {
  const folder = folderOf(t);
  const other = await otherProcess(t, folder);
  assert.equal(await other.said(), "held");
  assert.equal(await other.ask("renew"), "done");
  other.child.kill("SIGSTOP");
  for (let times = 0; times < 3; times++) {
    const lock = await takeLock(folder, { what: "pulumi destroy", silenceMs: 300 });
    lock.renew();
    lock.release();
  }
  const held = await takeLock(folder, { what: "pulumi destroy" });
  other.child.kill("SIGCONT");
  assert.match(await other.ask("renew"), /another process has taken over .*7 meanwhile/);
  assert.equal(await other.ask("release"), "done", "and it takes nothing away");
  held.renew();
  held.release();
});

test("of several that follow a dead one, one wins", async (t) => {
  const folder = folderOf(t);
  const dead = await otherProcess(t, folder);
  assert.equal(await dead.said(), "held");
  dead.child.kill("SIGKILL");
  await once(dead.child, "exit");
  const others = await Promise.all(Array.from({ length: 4 }, () => otherProcess(t, folder)));
  const order: number[] = [];
  const all = others.map(async (other, index) => {
    assert.equal(await other.said(), "held");
    order.push(index);
    assert.equal(order.length, 1, "nobody else holds it");
    assert.equal(await other.ask("renew"), "done");
    order.pop();
    assert.equal(await other.ask("release"), "done");
    other.child.stdin.end();
  });
  await Promise.all(all);
});

const isRoot = process.getuid?.() === 0 && process.platform === "linux";

/** Another machine, as far as a process can tell: its own host name and its own boot. */
function elsewhere(t: TestContext, name: string): string[] {
  const boot = join(mkdtempSync(join(tmpdir(), "vast-boot-")), "boot_id");
  t.after(() => rmSync(join(boot, ".."), { recursive: true, force: true }));
  writeFileSync(boot, `${name}-boot\n`);
  const script = `mount --bind ${boot} /proc/sys/kernel/random/boot_id && hostname ${name} && exec "$@"`;
  return ["unshare", "--uts", "--mount", "sh", "-c", script, "sh"];
}

test("on two machines with one folder: one waits, follows when the other is silent, and the other notices", {
  skip: isRoot ? false : "needs namespaces",
}, async (t) => {
  const folder = folderOf(t);
  const one = await otherProcess(t, folder, elsewhere(t, "login-1"));
  assert.equal(await one.said(), "held");
  const [file = ""] = readdirSync(folder);
  const { host, boot, pid } = JSON.parse(readFileSync(join(folder, file), "utf8"));
  assert.deepEqual([host, boot, pid], ["login-1", "login-1-boot", one.child.pid]);
  // The same name, but another machine: that no such process is here says nothing.
  const two = await otherProcess(t, folder, elsewhere(t, "login-2"), 1500);
  const three = await otherProcess(t, folder, elsewhere(t, "login-1"), 1500);
  const followed = Promise.race([two.said(), three.said()]);
  assert.equal(await one.ask("renew"), "done", "it lives, and they wait");
  one.child.kill("SIGSTOP");
  assert.equal(await followed, "held");
  one.child.kill("SIGCONT");
  assert.match(await one.ask("renew"), /another process has taken over/);
});
