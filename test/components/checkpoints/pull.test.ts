import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { checkpointsHome, type PullRequest, pullCheckpoints } from "../../../components/checkpoints/pull.ts";
import { recordOf } from "../../../components/checkpoints/store/record.ts";
import { pinHostKey } from "../../../components/ssh/known-hosts.ts";
import { isRemoteError } from "../../../components/ssh/remote-error.ts";
import { freePort, needsRoot, sshd, temporaryHome } from "../../support/sshd.ts";

/** A machine on loopback with a folder of checkpoints, and a folder to bring them to. */
async function openPull(t: TestContext, more: Readonly<Record<string, string>> = {}): Promise<PullRequest> {
  const home = temporaryHome(t);
  const { port, hostKey } = await sshd(t, home.key.publicKey, more);
  const root = mkdtempSync(join(tmpdir(), "pull test-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  pinHostKey(home.key.knownHostsFile, 7, hostKey);
  mkdirSync(join(root, "machine"));
  return {
    instanceId: 7,
    endpoint: { host: "127.0.0.1", port },
    key: home.key,
    from: join(root, "machine"),
    to: checkpointsHome(join(root, "home"), "local", 7),
    // Waiting has a test of its own.
    quietMs: 0,
    patienceMs: 0,
  };
}

test("everything comes home under its own name and is verified; special files do not", needsRoot, async (t) => {
  const request = await openPull(t);
  const names = ["step_1/training_state.pt", 'a b/it\'s "odd" \\ $x', "line\nbreak", "-rf", "ümlaut"];
  for (const name of names) {
    mkdirSync(join(request.from, name, ".."), { recursive: true });
    writeFileSync(join(request.from, name), `content of ${name}`);
  }
  const bytes = Buffer.concat([Buffer.from(`${request.from}/`), Buffer.from([0xff, 0xfe])]);
  writeFileSync(bytes, "not UTF-8");
  symlinkSync("/dev/null", join(request.from, "out"));
  symlinkSync("step_1", join(request.from, "latest"));
  execFileSync("mkfifo", [join(request.from, "pipe")]);
  execFileSync("chmod", ["6755", join(request.from, "-rf")], { cwd: request.from });
  const heard: string[] = [];

  const pulled = await pullCheckpoints({ ...request, progress: (text) => heard.push(text) });
  assert.equal(pulled.files, names.length + 1);
  for (const name of names) assert.equal(readFileSync(join(request.to, name), "utf8"), `content of ${name}`);
  assert.equal(
    readFileSync(Buffer.concat([Buffer.from(`${request.to}/`), Buffer.from([0xff, 0xfe])]), "utf8"),
    "not UTF-8",
  );
  assert.deepEqual(
    ["out", "pipe", "latest"].map((name) => readdirSync(request.to).includes(name)),
    [false, false, true],
  );
  assert.equal(statSync(join(request.to, "-rf")).mode & 0o7000, 0, "no set-uid bits");
  assert.ok(
    heard.some((text) => /^checkpoints \d+ %/.test(text)),
    heard.join(),
  );
});

test("a damaged file at home is mended, and what is only at home stays", needsRoot, async (t) => {
  const request = await openPull(t);
  writeFileSync(join(request.from, "step_1"), "right");
  await pullCheckpoints(request);
  const { mtime } = statSync(join(request.to, "step_1"));
  writeFileSync(join(request.to, "step_1"), "wrong");
  utimesSync(join(request.to, "step_1"), mtime, mtime);
  writeFileSync(join(request.to, "step_0"), "older");
  assert.equal((await pullCheckpoints(request)).files, 1);
  assert.equal(readFileSync(join(request.to, "step_1"), "utf8"), "right");
  assert.equal(readFileSync(join(request.to, "step_0"), "utf8"), "older");
});

test("a folder that is missing or empty has nothing to bring home", needsRoot, async (t) => {
  const request = await openPull(t);
  assert.equal((await pullCheckpoints(request)).files, 0);
  assert.equal((await pullCheckpoints({ ...request, from: join(request.from, "none") })).files, 0);
});

test("a folder that has become empty is no end of training: its disk may not be mounted", needsRoot, async (t) => {
  const request = await openPull(t);
  writeFileSync(join(request.from, "step_1"), "right");
  assert.equal((await pullCheckpoints({ ...request, live: true })).emptied, false);
  rmSync(join(request.from, "step_1"));
  const ended = `${"a".repeat(64)} since then`;
  const { files, emptied } = await pullCheckpoints({ ...request, live: true, ended });
  assert.deepEqual({ files, emptied }, { files: 0, emptied: true });
  const record = recordOf(request.to);
  assert.deepEqual([record?.ended, record?.files.size], [null, 1]);
  assert.equal(readFileSync(join(request.to, "step_1"), "utf8"), "right");
});

test("a file that is written all the time is a mismatch, or with live only reported", needsRoot, async (t) => {
  const forced = join(mkdtempSync(join(tmpdir(), "pull-")), "forced");
  t.after(() => rmSync(dirname(forced), { recursive: true, force: true }));
  const request = await openPull(t, { ForceCommand: forced });
  writeFileSync(join(request.from, "step_1"), "sound");
  // However slow the writer may be, it writes before each look and each copy.
  const script = `#!/bin/bash\necho >>'${request.from}/log'\nexec bash -c "$SSH_ORIGINAL_COMMAND"\n`;
  writeFileSync(forced, script, { mode: 0o700 });
  const writer = spawn("sh", ["-c", "while :; do date +%N; done >>log"], { cwd: request.from, stdio: "ignore" });
  t.after(() => writer.kill("SIGKILL"));
  await assert.rejects(
    pullCheckpoints(request),
    (error) => isRemoteError(error, "mismatch") && /log/.test(error.message),
  );
  const { files, changing } = await pullCheckpoints({ ...request, live: true });
  assert.deepEqual({ files, changing }, { files: 1, changing: ["log"] });
});

test("a machine that does not answer, and a folder that cannot be made, are told apart", needsRoot, async (t) => {
  const request = await openPull(t);
  const dead = { ...request, endpoint: { host: "127.0.0.1", port: await freePort() } };
  await assert.rejects(pullCheckpoints(dead), (error) => isRemoteError(error, "unreachable"));
  const file = join(request.from, "file");
  writeFileSync(file, "");
  await assert.rejects(pullCheckpoints({ ...request, to: join(file, "x") }), (error) => isRemoteError(error, "failed"));
  assert.equal(existsSync(join(file, "x")), false);
});

test(
  "a disk that takes no more files is said, at whichever file it is, and nothing counts as home",
  needsRoot,
  async (t) => {
    const request = await openPull(t);
    mkdirSync(join(request.from, "run"));
    for (const name of ["run/a", "run/b"]) writeFileSync(join(request.from, name), name);
    const disk = join(request.to, "..", "..");
    mkdirSync(disk, { recursive: true });
    let pulled: number | undefined;
    for (let files = 6; pulled === undefined; files++) {
      execFileSync("mount", ["-t", "tmpfs", "-o", `size=1m,nr_inodes=${files}`, "tmpfs", disk]);
      try {
        pulled = (await pullCheckpoints(request)).files;
      } catch (error) {
        assert.ok(isRemoteError(error, "disk_full"), `${files}: ${error}`);
        assert.ok(error.message.startsWith("no room is left"), error.message);
        assert.ok(error.message.includes(request.to), error.message);
        assert.equal(recordOf(request.to), undefined);
      } finally {
        execFileSync("umount", ["--lazy", disk]);
      }
    }
    assert.equal(pulled, 2);
  },
);

test("a disk without room is said before anything is copied, and what was there stays", needsRoot, async (t) => {
  const request = await openPull(t);
  writeFileSync(join(request.from, "step_1"), Buffer.alloc(1_000_000));
  const disk = join(request.to, "..", "..");
  mkdirSync(disk, { recursive: true });
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", disk]);
  try {
    mkdirSync(request.to, { recursive: true });
    writeFileSync(join(request.to, "step_0"), "earlier");
    await assert.rejects(pullCheckpoints(request), (error) => {
      assert.ok(isRemoteError(error, "disk_full"));
      assert.match(error.message, /has room for .* and needs 1\.0 MB/);
      return true;
    });
    assert.deepEqual(readdirSync(request.to), ["step_0"]);
  } finally {
    execFileSync("umount", [disk]);
  }
});
