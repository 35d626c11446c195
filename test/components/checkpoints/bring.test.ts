import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  linkSync,
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
import { type BringRequest, bringAlong, broughtAlready, broughtHome } from "../../../components/checkpoints/bring.ts";
import { checkpointsHome } from "../../../components/checkpoints/pull.ts";
import { pinHostKey } from "../../../components/ssh/known-hosts.ts";
import { isRemoteError } from "../../../components/ssh/remote-error.ts";
import { needsRoot, sshd, temporaryHome } from "../../support/sshd.ts";

interface Scene extends BringRequest {
  /** Of the machine. */
  readonly workspace: string;
  /** Where it comes home. */
  readonly home: string;
  /** Makes a file of the machine by its path in the workspace; by default it holds that. */
  file(name: string, content?: string | Buffer): void;
  /** Names and contents below a folder here; of links where they lead. */
  came(): Record<string, string>;
  /** What the machine does with the commands it is asked for: `asked` answers the one at hand, $isCopy tells whether it is rsync. */
  behave(script: string): void;
}

async function openScene(t: TestContext): Promise<Scene> {
  const home = temporaryHome(t);
  const root = mkdtempSync(join(tmpdir(), "bring test-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const script = join(mkdtempSync(join(tmpdir(), "bring-")), "machine.sh");
  t.after(() => rmSync(dirname(script), { recursive: true, force: true }));
  const behave = (text: string) => {
    const asked = 'asked() { bash -c "$SSH_ORIGINAL_COMMAND"; }';
    const isCopy = "case $SSH_ORIGINAL_COMMAND in rsync*) isCopy=1 ;; *) isCopy=0 ;; esac";
    writeFileSync(script, `#!/bin/bash\n${asked}\n${isCopy}\n${text}\n`, { mode: 0o700 });
  };
  behave("asked");
  const { port, hostKey } = await sshd(t, home.key.publicKey, { ForceCommand: script });
  pinHostKey(home.key.knownHostsFile, 7, hostKey);
  const workspace = join(root, "workspace");
  const to = checkpointsHome(join(root, "home"), "local", 7);
  const file = (name: string, content: string | Buffer = name) => {
    mkdirSync(dirname(join(workspace, name)), { recursive: true });
    writeFileSync(join(workspace, name), content);
  };
  mkdirSync(join(workspace, "repo"), { recursive: true });
  mkdirSync(join(workspace, "checkpoints"));
  return {
    ...{ instanceId: 7, endpoint: { host: "127.0.0.1", port }, key: home.key },
    ...{ from: join(workspace, "checkpoints"), to, workspace, home: broughtHome(to), file, behave },
    bring: { name: "repo", globs: ["outputs", "wandb/offline-run-*"], maxMb: 1000 },
    came: () => tree(broughtHome(to)),
  };
}

function tree(folder: string): Record<string, string> {
  if (!existsSync(folder)) return {};
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return Object.fromEntries(
    entries
      .filter((entry) => !entry.isDirectory())
      .map((entry) => {
        const path = join(entry.parentPath, entry.name);
        const content = entry.isSymbolicLink() ? `-> ${readlinkSync(path)}` : readFileSync(path, "utf8");
        return [path.slice(folder.length + 1), content] as const;
      })
      .toSorted(([one], [other]) => (one < other ? -1 : 1)),
  );
}

const globs = (scene: Scene, ...globs: string[]): BringRequest => ({ ...scene, bring: { ...scene.bring, globs } });
const itself = (...names: string[]) => Object.fromEntries(names.toSorted().map((name) => [name, name]));

test("logs, outputs and offline runs come home, and what nobody names does not", needsRoot, async (t) => {
  const scene = await openScene(t);
  const brought = [
    "train.log",
    "logs/train-20260101-000000.log",
    "repo/outputs/.hydra/config.yaml",
    "repo/outputs/a/b",
  ];
  const run = ["repo/wandb/offline-run-1/run-1.wandb", "repo/wandb/offline-run-1/files/output.log"];
  for (const name of [...brought, ...run, "logs/code.log", "repo/src/train.py", "repo/wandb/run-2/x", "hf_cache/x"])
    scene.file(name);
  const { files, said, home } = await bringAlong(scene);
  assert.deepEqual([files, said, home], [6, [], scene.home]);
  assert.deepEqual(scene.came(), itself(...brought, ...run));
  assert.deepEqual(readdirSync(dirname(scene.home)).sort(), ["7.brought", "7.brought.lock", "7.brought.verified.json"]);
});

test("nothing to bring is said of one's own globs alone, and a rerun transfers nothing", needsRoot, async (t) => {
  const scene = await openScene(t);
  assert.deepEqual(await bringAlong(scene), { files: 0, bytes: 0, home: scene.home, said: [] });
  scene.file("train.log");
  const own = globs(scene, "outputs", "results/*.csv", `${scene.workspace}/none`);
  const { said } = await bringAlong(own);
  assert.deepEqual(said, [
    "nothing on the machine matches results/*.csv, which bring names",
    `nothing on the machine matches ${scene.workspace}/none, which bring names`,
  ]);
  scene.behave("[ $isCopy = 0 ] || exit 1; asked");
  assert.equal((await bringAlong(own)).files, 1);
});

test("globs are bash's, of the repository's folder or below the workspace", needsRoot, async (t) => {
  const scene = await openScene(t);
  const wanted = ["repo/r1/a.csv", "repo/deep/er/b.csv", "plots/x 1.png", "repo/sub/deep/f", "repo/sub-2"];
  for (const name of [...wanted, "repo/r1/a.txt", "plots/x.jpg", "repo/.hidden/c.csv"]) scene.file(name);
  await bringAlong(
    globs(scene, "**/*.csv", `${scene.workspace}/plots/*.png`, "sub/**", "sub*", "$(touch /tmp/no)", "a b"),
  );
  assert.deepEqual(scene.came(), itself(...wanted));
});

test("names that mean something to find, printf or a shell are but names", needsRoot, async (t) => {
  const scene = await openScene(t);
  const odd = ["%p", "a\\nb\\0c", "new\nline", "[x]*?", "-rf", "$(id)", "]", '"', "@", "*", " ", "ümlaut", "trail\n"];
  const names = odd.flatMap((name) => [`repo/outputs/${name}/${name}`, `repo/${name}.odd`]);
  for (const name of names) scene.file(name);
  const bytes = (folder: string) => Buffer.concat([Buffer.from(`${folder}/repo/outputs/`), Buffer.from([0xff])]);
  writeFileSync(bytes(scene.workspace), "bytes");
  const { files } = await bringAlong(globs(scene, "outputs", "*.odd", "-*"));
  assert.equal(files, names.length + 1);
  for (const name of names) assert.equal(readFileSync(join(scene.home, name), "utf8"), name);
  assert.equal(readFileSync(bytes(scene.home), "utf8"), "bytes");
});

test(
  "what leads out of the workspace, or may hold credentials, stays on the machine and is named",
  needsRoot,
  async (t) => {
    const scene = await openScene(t);
    const outside = join(scene.workspace, "../outside");
    mkdirSync(outside);
    writeFileSync(join(outside, "id"), "secret");
    const kept = [
      ".env",
      ".vast-training/train.id",
      "repo/outputs/.env",
      "repo/outputs/.ssh/id",
      "repo/outputs/x/.git/config",
    ];
    for (const name of [...kept, "hf_cache/token", "hf_cache/hub/model", "scratch/run/y", "repo/outputs/fine"])
      scene.file(name, "secret");
    linkSync(join(scene.workspace, ".env"), join(scene.workspace, "repo/outputs/hard"));
    const link = (name: string, target: string) => symlinkSync(target, join(scene.workspace, name));
    link("train.log", join(outside, "id"));
    link("repo/out", outside);
    link("repo/all", "..");
    link("repo/env", "../.env");
    link("repo/keep", "../.vast-training");
    link("repo/outputs/inner", join(outside, "id"));
    link("repo/outputs/latest", "fine");
    link("repo/runs", "../scratch/run");
    const named = ["outputs", "out/*", "out", "all", "env", "keep", "runs", `${scene.workspace}/*`];
    const { files, said } = await bringAlong(globs(scene, ...named));
    assert.deepEqual(
      Object.keys(scene.came()),
      [
        "hf_cache/hub/model",
        "repo/outputs/fine",
        "repo/outputs/latest",
        "repo/runs",
        "repo/runs/y",
        "scratch/run/y",
      ].sort(),
    );
    assert.equal(files, 3);
    assert.equal(scene.came()["repo/outputs/latest"], "-> fine");
    assert.match(
      said.join("\n"),
      /^not brought: train\.log, repo\/out\/id, repo\/out and \d more, which leads? out of the workspace$/m,
    );
    assert.match(said.join("\n"), /^not brought: .*which may hold credentials$/m);
    assert.match(
      said.join("\n"),
      /^not brought: repo\/outputs\/inner.*, which is a link to what bring does not name$/m,
    );
  },
);

test("checkpoints within what is named come home once, as checkpoints", needsRoot, async (t) => {
  const scene = await openScene(t);
  for (const name of ["repo/outputs/ckpt/step_1", "repo/outputs/metrics"]) scene.file(name);
  await bringAlong({ ...scene, from: join(scene.workspace, "repo/outputs/ckpt") });
  assert.deepEqual(scene.came(), itself("repo/outputs/metrics"));
});

test("what is too much is passed over and said, but never a log", needsRoot, async (t) => {
  const scene = await openScene(t);
  scene.file("train.log", Buffer.alloc(3e6, "x\n"));
  scene.file("repo/outputs/large", Buffer.alloc(2e6, "y"));
  scene.file("repo/outputs/small", "small");
  const { files, said } = await bringAlong({ ...scene, bring: { ...scene.bring, maxMb: 1 } });
  assert.deepEqual([files, Object.keys(scene.came())], [2, ["repo/outputs/small", "train.log"]]);
  assert.match(said.join(), /^NOT BROUGHT: 1 file, 2\.0 MB, because bringMaxMb is 1; .*: repo\/outputs\/large$/);
});

test("a log that grows is verified as far as it was when it was listed, and comes again", needsRoot, async (t) => {
  const scene = await openScene(t);
  scene.file("train.log", "line\n");
  const script = "while :; do echo line; sleep 0.01; done >>train.log";
  const writer = spawn("bash", ["-c", script], { cwd: scene.workspace, stdio: "ignore" });
  t.after(() => writer.kill("SIGKILL"));
  for (let times = 0; times < 2; times++) {
    assert.deepEqual((await bringAlong({ ...scene, live: true })).said, []);
    assert.match(readFileSync(join(scene.home, "train.log"), "utf8"), /^(line\n)+(l(i(ne?)?)?)?$/);
  }
  // However slow the writer may be, it writes between each two looks.
  scene.behave(`echo line >>'${scene.workspace}/train.log'; asked`);
  const { said } = await bringAlong(scene);
  scene.behave("asked");
  assert.match(said.join(), /^train\.log: somebody on the machine still writes there, so what is home is how it was/);
  assert.equal(await broughtAlready(scene.to, "mark", scene.bring), false);
  writer.kill("SIGKILL");
  await once(writer, "exit");
  await bringAlong({ ...scene, ended: "mark" });
  assert.ok(readFileSync(join(scene.home, "train.log")).equals(readFileSync(join(scene.workspace, "train.log"))));
  assert.equal(await broughtAlready(scene.to, "mark", scene.bring), true);
  assert.equal(await broughtAlready(scene.to, "mark", { ...scene.bring, globs: ["results"] }), false);
  assert.equal(await broughtAlready(scene.to, "other", scene.bring), false);
});

test("what never holds still comes as it is, what goes away is named, and damage is an error", needsRoot, async (t) => {
  const scene = await openScene(t);
  const outputs = join(scene.workspace, "repo/outputs");
  scene.file("repo/outputs/restless", "0000");
  scene.file("repo/outputs/brief");
  scene.behave(
    `[ $isCopy = 0 ] || { printf %04d $((RANDOM % 10000)) >'${outputs}/restless'; rm -f '${outputs}/brief'; }; asked`,
  );
  const { files, said } = await bringAlong(scene);
  assert.equal(files, 1);
  assert.match(scene.came()["repo/outputs/restless"] ?? "", /^\d{4}$/);
  assert.match(said.join("\n"), /^repo\/outputs\/restless: somebody on the machine still writes there/);
  assert.match(said.join("\n"), /^repo\/outputs\/brief: deleted on the machine before it could be fetched$/m);
  rmSync(outputs, { recursive: true });
  scene.file("train.log", "right");
  // It sends something else than it has.
  const log = join(scene.workspace, "train.log");
  scene.behave(`[ $isCopy = 0 ] || printf wrong >'${log}'; asked; [ $isCopy = 0 ] || printf right >'${log}'`);
  await assert.rejects(bringAlong(scene), (error: Error) => isRemoteError(error, "mismatch") || assert.fail(error));
});

test(
  "a log whose middle was cut out comes with its hole, and one that was begun anew takes its place",
  needsRoot,
  async (t) => {
    const scene = await openScene(t);
    const log = join(scene.workspace, "train.log");
    scene.file("train.log", "begin\n");
    truncateSync(log, 300e6);
    execFileSync("bash", ["-c", 'echo end >>"$1"', "bash", log]);
    scene.behave(`[ $isCopy = 0 ] && { asked; exit; }; asked | tee -a '${scene.workspace}/../sent'`);
    await bringAlong(scene);
    const { size, blocks } = statSync(join(scene.home, "train.log"));
    assert.equal(size, 300e6 + 4);
    assert.ok(blocks * 512 < 1e6, `${blocks * 512} bytes on disk`);
    const sent = statSync(join(scene.workspace, "../sent")).size;
    assert.ok(sent < 3e6, `${sent} bytes sent`);
    writeFileSync(log, "anew");
    await bringAlong(scene);
    assert.equal(readFileSync(join(scene.home, "train.log"), "utf8"), "anew");
    assert.equal(statSync(`${scene.home}.previous/1/train.log`).size, size);
  },
);
