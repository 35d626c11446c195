import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { type PullRequest, pullCheckpoints } from "../../../components/checkpoints/pull.ts";
import { recordOf } from "../../../components/checkpoints/store/record.ts";
import { pinHostKey } from "../../../components/ssh/known-hosts.ts";
import { isRemoteError } from "../../../components/ssh/remote-error.ts";
import { notAll } from "../../support/all.ts";
import { needsRoot, sshd, temporaryHome } from "../../support/sshd.ts";

interface Scene extends PullRequest {
  /** Of the machine; its folder of checkpoints is `run` in there. */
  readonly root: string;
  /** Makes a file of the machine, by its path below the root, that holds its own name. */
  file(name: string): void;
  /** Makes a link of the machine, by its path below the folder of checkpoints. */
  link(name: string, target: string): void;
}

async function openScene(t: TestContext): Promise<Scene> {
  const home = temporaryHome(t);
  const { port, hostKey } = await sshd(t, home.key.publicKey);
  pinHostKey(home.key.knownHostsFile, 7, hostKey);
  const root = mkdtempSync(join(tmpdir(), "linked-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const from = join(root, "run");
  mkdirSync(from);
  return {
    ...{ instanceId: 7, endpoint: { host: "127.0.0.1", port }, key: home.key, root, from, to: join(root, "home") },
    quietMs: 0,
    patienceMs: 0,
    file: (name) => {
      mkdirSync(dirname(join(root, name)), { recursive: true });
      writeFileSync(join(root, name), name);
    },
    link: (name, target) => symlinkSync(target, join(from, name)),
  };
}

/** What is below a folder: content of a file, target of a link. */
function tree(folder: string): Record<string, string> {
  const entries = readdirSync(folder, { withFileTypes: true }).sort((one, other) => (one.name < other.name ? -1 : 1));
  return Object.assign(
    {},
    ...entries.map((entry) => {
      const path = join(folder, entry.name);
      if (entry.isSymbolicLink()) return { [entry.name]: `-> ${readlinkSync(path)}` };
      if (!entry.isDirectory()) return { [entry.name]: readFileSync(path, "utf8") };
      const inside = Object.entries(tree(path));
      return Object.fromEntries(inside.map(([name, content]) => [`${entry.name}/${name}`, content]));
    }),
  );
}

const failsWith = (scene: PullRequest, ...texts: RegExp[]) =>
  assert.rejects(pullCheckpoints(scene), (error: Error) => {
    assert.ok(isRemoteError(error, "failed"), String(error));
    for (const text of texts) assert.match(error.message, text);
    return true;
  });

test("what links lead to comes home: a folder, a file, by a chain, and each folder once", needsRoot, async (t) => {
  const scene = await openScene(t);
  for (const name of ["data/run1/step_1", "data/run1/deep/step_2", "data/best.pt", "far/step_3", "run/own/step_0"])
    scene.file(name);
  scene.link("a", join(scene.root, "data/run1"));
  scene.link("b", "../data/run1/deep");
  scene.link("c", "a");
  scene.link("best.pt", "../data/best.pt");
  scene.link("latest", join(scene.from, "own/step_0"));
  scene.link("rotated", "own/step_9");
  scene.link("null", "/dev/null");
  scene.link("../data/run1/back", scene.from);
  scene.link("../data/run1/far", "../../far");
  scene.link("../far/circle", "../data/run1");
  assert.equal((await pullCheckpoints(scene)).files, 5);
  assert.deepEqual(tree(scene.to), {
    "a/back": "-> ..",
    "a/deep/step_2": "data/run1/deep/step_2",
    "a/far/circle": "-> ..",
    "a/far/step_3": "far/step_3",
    "a/step_1": "data/run1/step_1",
    b: "-> a/deep",
    "best.pt": "data/best.pt",
    c: "-> a",
    latest: "-> own/step_0",
    "own/step_0": "run/own/step_0",
    rotated: "-> own/step_9",
  });
  assert.equal((await pullCheckpoints({ ...scene, live: true })).refused.length, 0);
});

test(
  "the folder of checkpoints may be a link itself, and the whole run lie behind another one",
  needsRoot,
  async (t) => {
    const scene = await openScene(t);
    rmSync(scene.from, { recursive: true });
    scene.file("disk/step_1");
    scene.file("data/run1/step_2");
    symlinkSync("disk", scene.from);
    scene.link("run1", "../data/run1");
    assert.equal((await pullCheckpoints(scene)).files, 2);
    assert.deepEqual(tree(scene.to), { "run1/step_2": "data/run1/step_2", step_1: "disk/step_1" });
  },
);

test("names that mean something to find, printf or a shell are but names", needsRoot, async (t) => {
  const scene = await openScene(t);
  const odd = ["%p", "a\\nb\\0c", "new\nline", "[x]*?", "-rf", "$(id)", "]", '"', "@", "*", " "];
  for (const name of odd) {
    scene.file(`out${name}/${name}`);
    scene.file(`single${name}`);
    scene.link(name, join(scene.root, `out${name}`));
    scene.link(`1${name}`, `../single${name}`);
    scene.link(`~${name}`, name);
  }
  assert.equal((await pullCheckpoints(scene)).files, 2 * odd.length);
  for (const name of odd) {
    assert.equal(readFileSync(join(scene.to, name, name), "utf8"), `out${name}/${name}`);
    assert.equal(readFileSync(join(scene.to, `1${name}`), "utf8"), `single${name}`);
    assert.equal(readlinkSync(join(scene.to, `~${name}`)), name);
  }
  const bytes = (path: string, last: number) => Buffer.concat([Buffer.from(`${path}/`), Buffer.from([last])]);
  mkdirSync(bytes(scene.root, 0xff));
  writeFileSync(Buffer.concat([bytes(scene.root, 0xff), Buffer.from("/x")]), "bytes");
  symlinkSync(bytes("..", 0xff), bytes(scene.from, 0xfe));
  await pullCheckpoints(scene);
  assert.equal(readFileSync(Buffer.concat([bytes(scene.to, 0xfe), Buffer.from("/x")]), "utf8"), "bytes");
});

const refusals: [what: string, target: string, why: RegExp][] = [
  ["to a disk that is not there", "/no such disk/run1", /odd leads to \/no such disk\/run1, which is not there/],
  ["to what holds the folder", "..", /odd leads to .*linked-\w+, which holds what is fetched already/],
  ["to everything", "/", /odd leads to \/, which is the machine's own/],
  ["to no disk", "/proc/self", /odd leads to \/proc\/\d+, which is the machine's own/],
  ["to a file that is none", "/sys/kernel/uevent_seqnum", /odd leads to \/sys\/.*, which is the machine's own/],
  ["round in a circle", "odd", /odd leads round in a circle/],
  ["to a name that cannot be", "x".repeat(300), /odd leads round in a circle, or nowhere that can be looked at/],
];

for (const [what, target, why] of refusals)
  test(`a link ${what} is refused by name, once the rest is home`, needsRoot, async (t) => {
    const scene = await openScene(t);
    scene.file("run/step_1");
    scene.link("odd", target);
    await failsWith({ ...scene, ended: "hash 1" }, why, /1 other file is home/);
    assert.deepEqual(tree(scene.to), { step_1: "run/step_1" });
    assert.equal(recordOf(scene.to)?.ended, null, "a later destroy must not take it for whole");
    const { files, refused } = await pullCheckpoints({ ...scene, live: true, ended: "hash 1" });
    assert.equal(files, 1);
    assert.match(refused.join(), why);
    assert.equal(recordOf(scene.to)?.ended, null);
  });

test("a folder of checkpoints on a disk that is not there is not taken for an empty one", needsRoot, async (t) => {
  const scene = await openScene(t);
  scene.link("on", "../gone/disk");
  await failsWith({ ...scene, from: join(scene.from, "on") }, /the folder of checkpoints leads to .*gone\/disk,/);
  await failsWith(
    { ...scene, from: join(scene.from, "on/it/") },
    /the folder of checkpoints leads to .*gone\/disk\/it,/,
  );
  scene.file("file");
  await failsWith({ ...scene, from: join(scene.root, "file") }, /is no folder that can be read/);
  await failsWith({ ...scene, from: join(scene.root, "file/run") }, /is no folder that can be read.*Not a directory/);
});

test("100 folders and 1000 files outside are followed, and more are named", {
  skip: notAll,
  ...needsRoot,
}, async (t) => {
  const scene = await openScene(t);
  for (let number = 1000; number < 1102; number++) {
    scene.file(`data/${number}/step`);
    scene.link(`f${number}`, `../data/${number}`);
  }
  for (let number = 1000; number < 2001; number++) {
    scene.file(`single/${number}`);
    scene.link(`s${number}`, `../single/${number}`);
  }
  await failsWith(
    scene,
    /^3 links on the machine cannot be followed/,
    /f1100 leads to .*f1101 leads to .*s2000 leads to/,
  );
  assert.equal(Object.keys(tree(scene.to)).length, 1100);
});

test("more refused links than a sentence holds are counted", needsRoot, async (t) => {
  const scene = await openScene(t);
  for (const name of ["a", "b", "c", "d", "e"]) scene.link(name, `/none/${name}`);
  await failsWith(scene, /^5 links .*a leads to .*; b leads .*; c leads .*; and 2 more\./);
});

test(
  "behind links too a copy goes on where it was, holes stay holes, and what goes away is no failure",
  needsRoot,
  async (t) => {
    const scene = await openScene(t);
    scene.file("data/run1/step_1");
    writeFileSync(join(scene.root, "data/run1/optimizer"), "begin");
    truncateSync(join(scene.root, "data/run1/optimizer"), 60_000_000);
    scene.link("run1", "../data/run1");
    mkdirSync(`${scene.to}.incoming/run1`, { recursive: true });
    writeFileSync(`${scene.to}.incoming/run1/optimizer`, "beg");
    // A saver that rotates its checkpoints.
    const rotate = "i=0; while :; do i=$((i+1)); mkdir -p s$i; echo $i >s$i/f; rm -rf s$((i-3)); done";
    const rotating = spawn("bash", ["-c", rotate], { cwd: join(scene.root, "data/run1"), stdio: "ignore" });
    t.after(() => rotating.kill("SIGKILL"));
    for (let times = 0; times < 2; times++) await pullCheckpoints({ ...scene, live: true });
    rotating.kill("SIGKILL");
    await once(rotating, "exit");
    await pullCheckpoints(scene);
    const { size, blocks } = statSync(join(scene.to, "run1/optimizer"));
    assert.equal(size, 60_000_000);
    assert.ok(blocks * 512 < 10_000_000, `${blocks * 512} bytes on disk`);
    assert.equal(readFileSync(join(scene.to, "run1/step_1"), "utf8"), "data/run1/step_1");
    assert.ok(lstatSync(join(scene.to, "run1")).isDirectory());
  },
);

test("a disk that is taken away between two listings is missed", needsRoot, async (t) => {
  const scene = await openScene(t);
  const disk = join(scene.root, "disk");
  mkdirSync(disk);
  execFileSync("mount", ["-t", "tmpfs", "tmpfs", disk]);
  scene.file("disk/run1/step_1");
  scene.link("run1", "../disk/run1");
  await pullCheckpoints(scene);
  execFileSync("umount", [disk]);
  await failsWith(scene, /run1 leads to .*disk\/run1, which is not there/);
  assert.ok(existsSync(join(scene.to, "run1/step_1")), "what was home stays");
});
