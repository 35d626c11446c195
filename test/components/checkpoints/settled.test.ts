import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Listing, ManifestFile } from "../../../components/checkpoints/manifest.ts";
import { type PullRequest, pullCheckpoints } from "../../../components/checkpoints/pull.ts";
import { differences, quietLeft, writersText } from "../../../components/checkpoints/settled.ts";
import { pinHostKey } from "../../../components/ssh/known-hosts.ts";
import { isRemoteError } from "../../../components/ssh/remote-error.ts";
import { notAll } from "../../support/all.ts";
import { needsRoot, sshd, temporaryHome } from "../../support/sshd.ts";

const file = (stamp: string, size = 1): ManifestFile => ({ size, sha256: null, onDisk: size, stamp });

const listing = (now: number, ...stamps: string[]): Listing => ({
  ...{ now, links: new Map(), refused: [], writers: [], lies: [] },
  files: new Map(stamps.map((stamp, at) => [`f${at}`, file(stamp)])),
});

test("two listings differ in what came, went, grew or was touched", () => {
  const before = new Map([
    ["same", file("1 1.0 1.0")],
    ["grown", file("2 1.0 1.0")],
    ["renewed", file("3 1.0 1.0")],
    ["gone", file("4 1.0 1.0")],
  ]);
  const after = new Map([
    ["same", file("1 1.0 1.0")],
    ["grown", file("2 1.0 1.0", 2)],
    ["renewed", file("3 1.0 1.1")],
    ["come", file("5 1.0 1.0")],
  ]);
  assert.deepEqual(differences(before, after), ["grown", "renewed", "gone", "come"]);
});

const quiet: [what: string, listing: Listing, unchangedMs: number, left: number][] = [
  ["nothing is there", listing(100), 0, 0],
  ["all is old", listing(100, "1 10.0 10.0", "2 96.0 96.0"), 0, 0],
  ["one is young", listing(100, "1 10.0 10.0", "2 99.0 99.0"), 0, 3000],
  ["it was young when it was listed before", listing(100, "1 99.0 99.0"), 3500, 500],
  ["we have seen it long enough", listing(100, "1 99.0 99.0"), 4000, 0],
  ["its mtime was set to earlier", listing(100, "1 10.0 99.0"), 0, 3000],
  ["its mtime was set to the future", listing(100, "1 500.0 10.0"), 0, 0],
  ["the disk has no ctime", listing(100, "1 99.0 0.0"), 0, 3000],
  ["the clock was set back", listing(100, "1 500.0 500.0"), 1000, 3000],
];

for (const [what, later, unchangedMs, left] of quiet)
  test(`how long is still to be waited when ${what}`, () => {
    assert.equal(quietLeft(later, unchangedMs, 4000), left);
  });

test("who writes is named, three at most", () => {
  const writer = (pid: number) => ({ pid, command: "python3" });
  assert.equal(writersText([]), undefined);
  assert.equal(writersText([writer(1)]), "python3 (1)");
  assert.equal(writersText([1, 2, 3, 4, 5].map(writer)), "python3 (1), python3 (2), python3 (3) and 2 more");
});

interface Scene extends PullRequest {
  readonly heard: string[];
  /** Runs this bash in the folder of checkpoints until the test ends, or it is killed; it is there when it has printed a line. */
  saver(script: string): Promise<{ pid: number; end(): Promise<void> }>;
}

async function openScene(t: TestContext): Promise<Scene> {
  const home = temporaryHome(t);
  const { port, hostKey } = await sshd(t, home.key.publicKey);
  pinHostKey(home.key.knownHostsFile, 7, hostKey);
  const root = mkdtempSync(join(tmpdir(), "settled-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const from = join(root, "run");
  mkdirSync(from);
  return {
    ...{ instanceId: 7, endpoint: { host: "127.0.0.1", port }, key: home.key, from, to: join(root, "home") },
    heard: [],
    saver: async (script) => {
      const child = spawn("bash", ["-c", script], { cwd: from, stdio: ["ignore", "pipe", "inherit"], detached: true });
      const ended = once(child, "exit");
      const end = async () => {
        if (child.exitCode === null && child.signalCode === null) process.kill(-(child.pid ?? 0), "SIGKILL");
        await ended;
      };
      t.after(end);
      await once(child.stdout, "data");
      return { pid: child.pid ?? 0, end };
    },
  };
}

const pull = (scene: Scene, more: Partial<PullRequest> = {}) =>
  pullCheckpoints({ ...scene, ...more, progress: (text) => scene.heard.push(text) });

/** Every one of them must be a mismatch that says this. */
const refuses = (scene: Scene, patienceMs: number, why: RegExp) =>
  assert.rejects(pull(scene, { patienceMs }), (error: Error) => {
    assert.ok(isRemoteError(error, "mismatch"), String(error));
    assert.match(error.message, why);
    return true;
  });

const WAITING = "waiting until nothing has changed for 4 s";

/** For a saver: waits, and starts no process for it, which on a busy machine takes a while. */
const REST = "exec 6<> <(:); rest() { read -rt 2 -u 6 _ || true; }";

test("a saver that opens, writes and closes every 2 s is never taken for settled", needsRoot, async (t) => {
  const scene = await openScene(t);
  const saver = await scene.saver(`${REST}; for ((n = 1; ; n++)); do echo $n >step_$n; echo; rest; done`);
  await refuses(
    scene,
    8000,
    /step_\d+.* changed again and again while they were fetched: .* on the machine still writes/,
  );
  await saver.end();
  assert.ok((await pull(scene)).files >= 3);
});

test("one that writes in place with the times of before is noticed as well", {
  skip: notAll,
  ...needsRoot,
}, async (t) => {
  const scene = await openScene(t);
  writeFileSync(join(scene.from, "last"), "0");
  await scene.saver(
    `${REST}; for ((n = 1; ; n++)); do echo $((n % 10)) >last; touch -d @1000000000 last; echo; rest; done`,
  );
  await refuses(scene, 0, /last changed again and again/);
});

test("one that holds a checkpoint open is named, though nothing changes", needsRoot, async (t) => {
  const scene = await openScene(t);
  writeFileSync(join(scene.from, "step_1"), "one");
  const held = await scene.saver("exec 7>>step_1; echo; exec sleep 1000");
  await refuses(
    scene,
    0,
    new RegExp(`^sleep \\(${held.pid}\\) on the machine still holds checkpoints open for writing`),
  );
  assert.equal(readFileSync(join(scene.to, "step_1"), "utf8"), "one", "it is home all the same");
  const live = await pull(scene, { live: true });
  assert.deepEqual(live.changing, []);
  await held.end();
  await pull(scene, { quietMs: 0 });
});

test("a saver behind a link that writes by its own path is named", { skip: notAll, ...needsRoot }, async (t) => {
  const scene = await openScene(t);
  mkdirSync(join(scene.from, "../data/run1"), { recursive: true });
  symlinkSync("../data/run1", join(scene.from, "run1"));
  const [inside, single] = [join(scene.from, "../data/run1/step_1"), join(scene.from, "../best")];
  for (const path of [inside, single]) writeFileSync(path, "one");
  symlinkSync(single, join(scene.from, "best"));
  for (const path of [inside, single]) {
    const held = await scene.saver(`cd /; exec 7>>${path}; echo; exec sleep 1000`);
    await refuses(scene, 0, new RegExp(`^sleep \\(${held.pid}\\) on the machine still holds`));
    await held.end();
  }
});

test("what a saver writes while it is waited for comes home", needsRoot, async (t) => {
  const scene = await openScene(t);
  writeFileSync(join(scene.from, "step_1"), "one");
  await scene.saver("exec 7>>step_1; echo; while [ ! -e ../go ]; do sleep 0.1; done; echo two >&7");
  const go = (text: string) => text === WAITING && writeFileSync(join(scene.from, "../go"), "");
  assert.equal((await pullCheckpoints({ ...scene, progress: go })).files, 1);
  assert.equal(readFileSync(join(scene.to, "step_1"), "utf8"), "onetwo\n");
});

test(
  "a folder that has long been quiet is not waited for, nor one whose times lie in the future",
  needsRoot,
  async (t) => {
    const scene = await openScene(t);
    writeFileSync(join(scene.from, "step_1"), "one");
    utimesSync(join(scene.from, "step_1"), 2 ** 31, 2 ** 31);
    await pull(scene);
    assert.ok(scene.heard.filter((text) => text === WAITING).length <= 1, "once, as long as it is young");
    scene.heard.length = 0;
    await pull(scene);
    assert.equal(scene.heard.includes(WAITING), false);
  },
);

test("whoever waits can be told to stop", needsRoot, async (t) => {
  const scene = await openScene(t);
  writeFileSync(join(scene.from, "step_1"), "one");
  const abort = new AbortController();
  const hear = (text: string) => text === "waiting until nothing has changed for 600 s" && abort.abort();
  await assert.rejects(pullCheckpoints({ ...scene, quietMs: 600_000, progress: hear, signal: abort.signal }));
  assert.ok(abort.signal.aborted);
});
