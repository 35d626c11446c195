import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { checkpointsHome, type PullRequest, pullCheckpoints } from "../../../components/checkpoints/pull.ts";
import { recordOf } from "../../../components/checkpoints/store/record.ts";
import { pinHostKey } from "../../../components/ssh/known-hosts.ts";
import { isRemoteError } from "../../../components/ssh/remote-error.ts";
import { needsRoot, sshd, temporaryHome } from "../../support/sshd.ts";

/** A machine on loopback that does what it is asked to by this script, which a test may change. */
interface Scene extends PullRequest {
  /** Bash; `asked` runs what was asked for, and `$isCopy` is 1 for the copy and 0 for a script. */
  behave(script: string): void;
}

const HONEST = "asked";

async function openScene(t: TestContext): Promise<Scene> {
  const home = temporaryHome(t);
  const root = mkdtempSync(join(tmpdir(), "interrupted-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const script = join(root, "machine.sh");
  const behave = (text: string) => {
    const asked = 'asked() { bash -c "$SSH_ORIGINAL_COMMAND"; }';
    const isCopy = "case $SSH_ORIGINAL_COMMAND in rsync*) isCopy=1 ;; *) isCopy=0 ;; esac";
    writeFileSync(`${script}.new`, `#!/bin/bash\n${asked}\n${isCopy}\n${text}\n`, { mode: 0o700 });
    renameSync(`${script}.new`, script);
  };
  behave(HONEST);
  const { port, hostKey } = await sshd(t, home.key.publicKey, { ForceCommand: script });
  pinHostKey(home.key.knownHostsFile, 7, hostKey);
  const from = join(root, "machine");
  mkdirSync(from);
  const to = checkpointsHome(join(root, "home"), "local", 7);
  // Waiting has tests of its own.
  const waits = { quietMs: 0, patienceMs: 0 };
  return { instanceId: 7, endpoint: { host: "127.0.0.1", port }, key: home.key, from, to, ...waits, behave };
}

/** Bash: waits for a file; when it does not come, what waits breaks off with what has started it. */
const AWAIT = 'await() { for look in $(seq 600); do [ ! -e "$1" ] || return 0; sleep 0.1; done; kill -9 $PPID $$; }';

/** Bash for `behave` in which hashing on the machine begins with this script. */
function hashingBeginsWith({ from }: Scene, script: string): string {
  const bin = join(from, "..", "machine-bin");
  mkdirSync(bin, { recursive: true });
  const real = execFileSync("sh", ["-c", "command -v python3"], { encoding: "utf8" }).trim();
  const text = ["#!/bin/bash", AWAIT, script, `exec ${real} "$@"`, ""].join("\n");
  writeFileSync(join(bin, "python3"), text, { mode: 0o755 });
  return `${AWAIT}\nPATH=${bin}:$PATH`;
}

const MB = 1_000_000;

/** Passes on 3 MB as they come, and no more: head would keep the first words of the conversation to itself. */
const PART = `
import os
left = 3000000
while left > 0:
    some = os.read(0, min(left, 65536))
    if not some: break
    os.write(1, some)
    left -= len(some)
`;

test(
  "a copy that is cut off leaves the verified file alone, and the next one goes on from there",
  needsRoot,
  async (t) => {
    const scene = await openScene(t);
    const [first, second] = [randomBytes(5 * MB), randomBytes(5 * MB)];
    writeFileSync(join(scene.from, "last.pt"), first);
    await pullCheckpoints(scene);
    writeFileSync(join(scene.from, "last.pt"), second);
    // What has not left the machine by then is lost with the connection.
    const come = `until [ "$(cat '${scene.to}.incoming'/.last.pt.* | wc -c)" -gt ${2 * MB} ]; do sleep 0.05; done`;
    scene.behave(`[ $isCopy = 0 ] && { asked; exit; }; asked | { python3 -c '${PART}'; ${come}; kill -9 $PPID; }`);
    await assert.rejects(pullCheckpoints(scene), (error) => isRemoteError(error, "unreachable"));
    assert.ok(readFileSync(join(scene.to, "last.pt")).equals(first));
    const part = statSync(join(`${scene.to}.incoming`, "last.pt")).size;
    assert.ok(part > MB && part < 5 * MB, `${part} bytes`);
    // What is there already need not come again.
    scene.behave(`[ $isCopy = 0 ] && { asked; exit; }; asked | tee -a ${scene.from}/../sent`);
    await pullCheckpoints(scene);
    assert.ok(readFileSync(join(scene.to, "last.pt")).equals(second));
    assert.ok(readFileSync(`${scene.to}.previous/1/last.pt`).equals(first));
    const sent = statSync(join(scene.from, "..", "sent")).size;
    assert.ok(sent < 5.2 * MB - part, `only the rest was sent, not ${sent} bytes`);
  },
);

test("a disk that fills up at home during the copy leaves the verified file alone", needsRoot, async (t) => {
  const scene = await openScene(t);
  const disk = join(scene.to, "..", "..");
  mkdirSync(disk, { recursive: true });
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", disk]);
  try {
    const first = randomBytes(2 * MB);
    writeFileSync(join(scene.from, "last.pt"), first);
    await pullCheckpoints(scene);
    writeFileSync(join(scene.from, "last.pt"), randomBytes(3 * MB));
    // Somebody else fills it once the copy has begun.
    scene.behave(`[ $isCopy = 0 ] || head -c 9000000 /dev/zero >${disk}/filler 2>/dev/null; asked`);
    await assert.rejects(pullCheckpoints(scene), (error) => isRemoteError(error, "disk_full"));
    assert.ok(readFileSync(join(scene.to, "last.pt")).equals(first));
  } finally {
    execFileSync("umount", [disk]);
  }
});

test(
  "there must be room for old and new: what is not there is said in bytes, and nothing is sent",
  needsRoot,
  async (t) => {
    const scene = await openScene(t);
    const disk = join(scene.to, "..", "..");
    mkdirSync(disk, { recursive: true });
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", disk]);
    try {
      writeFileSync(join(scene.from, "last.pt"), randomBytes(5 * MB));
      await pullCheckpoints(scene);
      writeFileSync(join(scene.from, "last.pt"), randomBytes(5 * MB));
      scene.behave(`[ $isCopy = 0 ] || touch ${scene.from}/../copied; asked`);
      await assert.rejects(pullCheckpoints(scene), (error) => {
        assert.ok(isRemoteError(error, "disk_full"));
        assert.ok(error.message.startsWith(`${scene.to} has room for `), error.message);
        assert.match(error.message, /and needs 5\.0 MB/);
        return true;
      });
      assert.equal(existsSync(join(scene.from, "..", "copied")), false);
    } finally {
      execFileSync("umount", [disk]);
    }
  },
);

test("a machine that sends more than it has listed does not fill the disk", needsRoot, async (t) => {
  const scene = await openScene(t);
  writeFileSync(join(scene.from, "last.pt"), "small");
  scene.behave(
    `[ $isCopy = 0 ] || truncate -s 200M ${scene.from}/last.pt; [ $isCopy = 0 ] || head -c 200M /dev/urandom >${scene.from}/last.pt; asked`,
  );
  await assert.rejects(pullCheckpoints(scene), (error) => {
    assert.ok(isRemoteError(error, "failed"), String(error));
    assert.match(error.message, /sends more than its manifest says/);
    return true;
  });
  assert.deepEqual(readdirSync(scene.to), []);
  truncateSync(join(scene.from, "last.pt"), 5);
});

test("what other copies have left is not taken for more than the machine has listed", needsRoot, async (t) => {
  const scene = await openScene(t);
  mkdirSync(`${scene.to}.incoming`, { recursive: true });
  writeFileSync(join(`${scene.to}.incoming`, ".gone.pt.AbC123"), randomBytes(90 * MB));
  writeFileSync(join(scene.from, "latest"), "step_1");
  await pullCheckpoints(scene);
  assert.ok(!existsSync(`${scene.to}.incoming`));
  // Only when its sum is there it is known to be another, and then it is copied after the rest.
  writeFileSync(join(scene.from, "latest"), "step_2");
  writeFileSync(join(scene.from, "step_2"), randomBytes(90 * MB));
  await pullCheckpoints(scene);
  assert.equal(readFileSync(join(scene.to, "latest"), "utf8"), "step_2");
});

test("a folder that an interrupted copy has left makes way for a file of its name", needsRoot, async (t) => {
  const scene = await openScene(t);
  mkdirSync(join(`${scene.to}.incoming`, "last"), { recursive: true });
  writeFileSync(join(`${scene.to}.incoming`, "last", "part"), "part");
  writeFileSync(join(scene.from, "last"), "whole");
  assert.equal((await pullCheckpoints(scene)).files, 1);
  assert.equal(readFileSync(join(scene.to, "last"), "utf8"), "whole");
});

test("a folder that is empty all at once does not count as home for good", needsRoot, async (t) => {
  const scene = await openScene(t);
  writeFileSync(join(scene.from, "step_1"), "one");
  await pullCheckpoints({ ...scene, live: true });
  renameSync(scene.from, `${scene.from}.unmounted`);
  assert.equal((await pullCheckpoints({ ...scene, live: true, ended: "a training" })).files, 0);
  const { ended, files } = recordOf(scene.to) ?? {};
  assert.deepEqual([ended, [...(files?.keys() ?? [])]], [null, ["step_1"]]);
  renameSync(`${scene.from}.unmounted`, scene.from);
  await pullCheckpoints({ ...scene, live: true, ended: "a training" });
  assert.equal(recordOf(scene.to)?.ended, "a training");
});

test(
  "what goes away while it is listed or copied is no failure, and what came of it is marked",
  needsRoot,
  async (t) => {
    const scene = await openScene(t);
    for (const step of ["step_1", "step_2"]) {
      mkdirSync(join(scene.from, step));
      for (let shard = 0; shard < 6; shard++)
        writeFileSync(join(scene.from, step, `shard_${shard}`), `${step} ${shard}`);
    }
    // Rotated away when the copy begins: in part, and the rest when that is copied and hashed.
    const at = join(scene.from, "..");
    scene.behave(`${hashingBeginsWith(scene, `await ${at}/thinned`)}
      [ $isCopy = 0 ] || { rm -f ${scene.from}/step_1/shard_[2-5]; : >${at}/thinned; }
      asked
      [ $isCopy = 1 ] || : >${at}/hashed
      [ $isCopy = 0 ] || { await ${at}/hashed; rm -rf ${scene.from}/step_1; }`);
    const pulled = await pullCheckpoints({ ...scene, live: true });
    assert.deepEqual([pulled.files, pulled.changing, pulled.incomplete], [6, [], ["step_1 (2 of 6 files)"]]);
    assert.deepEqual(readdirSync(join(scene.to, "step_1")).sort(), [
      "INCOMPLETE.by-vast-run.txt",
      "shard_0",
      "shard_1",
    ]);
    assert.deepEqual(readdirSync(join(scene.to, "step_2")).length, 6);
  },
);

test(
  "folders that come and go while they are looked for are no failure; one that cannot be read is, and a missing tool",
  needsRoot,
  async (t) => {
    const scene = await openScene(t);
    writeFileSync(join(scene.from, "kept"), "kept");
    const rotate = `cd ${scene.from}; i=0; while :; do i=$((i+1)); mkdir -p s$i/a/b; echo $i >s$i/a/b/f; rm -rf s$((i-3)); done`;
    const rotating = spawn("bash", ["-c", rotate], { stdio: "ignore" });
    t.after(() => rotating.kill("SIGKILL"));
    for (let times = 0; times < 3; times++) await pullCheckpoints({ ...scene, live: true });
    rotating.kill("SIGKILL");
    await once(rotating, "exit");
    assert.equal(readFileSync(join(scene.to, "kept"), "utf8"), "kept");
    const bin = join(scene.from, "..", "bin");
    mkdirSync(bin);
    scene.behave(`export PATH=${bin}:$PATH; asked`);
    writeFileSync(join(bin, "realpath"), "#!/bin/sh\nexit 127\n", { mode: 0o755 });
    await assert.rejects(
      pullCheckpoints(scene),
      (error) => isRemoteError(error, "failed") && /lacks sort, xargs or realpath/.test(error.message),
    );
    rmSync(join(bin, "realpath"));
    // find is told so by a stand-in: root may read everything.
    const stub = `#!/bin/sh\necho "find: './secret': Permission denied" >&2\n/usr/bin/find "$@"\nexit 1\n`;
    writeFileSync(join(bin, "find"), stub, { mode: 0o755 });
    await assert.rejects(
      pullCheckpoints({ ...scene, live: true }),
      (error) => isRemoteError(error, "failed") && /Permission denied/.test(error.message),
    );
  },
);

test(
  "a sync that slept while a destroy brought everything home changes nothing when it goes on",
  needsRoot,
  async (t) => {
    const scene = await openScene(t);
    const gate = join(scene.from, "..", "go");
    writeFileSync(join(scene.from, "last.pt"), "older");
    // The first copy is answered, and then the machine keeps the connection until it may go on.
    scene.behave(
      `asked; [ $isCopy = 0 ] || { touch ${gate}.reached; while [ ! -e ${gate} ] && [ -e ${scene.from} ]; do sleep 0.05; done; }`,
    );
    const program = `
    const { pullCheckpoints } = await import(${JSON.stringify(join(import.meta.dirname, "../../../components/checkpoints/pull.ts"))});
    const request = JSON.parse(process.argv[1]);
    await pullCheckpoints(request).then(() => console.log("done"), (error) => console.log(error.message));`;
    const request = JSON.stringify({ ...scene, live: true, what: "vast-run sync" });
    const sync = spawn(process.execPath, ["--input-type=module", "-e", program, request], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    t.after(() => sync.kill("SIGKILL"));
    const closed = once(sync, "close");
    let said = "";
    sync.stdout.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    while (!existsSync(`${gate}.reached`)) await new Promise((resolve) => setTimeout(resolve, 20));
    sync.kill("SIGSTOP");
    scene.behave(HONEST);
    writeFileSync(join(scene.from, "last.pt"), "newest");
    const { Store } = await import("../../../components/checkpoints/store/store.ts");
    (await Store.open(scene.to, { what: "pulumi destroy", silenceMs: 0 })).close();
    await pullCheckpoints({ ...scene, what: "pulumi destroy" });
    writeFileSync(gate, "");
    sync.kill("SIGCONT");
    await closed;
    assert.match(said, /another process has taken over .*; this one changes nothing there any more/);
    assert.equal(readFileSync(join(scene.to, "last.pt"), "utf8"), "newest");
  },
);

test("a file with holes comes home with holes", needsRoot, async (t) => {
  const scene = await openScene(t);
  writeFileSync(join(scene.from, "optimizer"), "begin");
  truncateSync(join(scene.from, "optimizer"), 60 * MB);
  const words = wordsOfRsync(t, scene);
  await pullCheckpoints(scene);
  const { size, blocks } = statSync(join(scene.to, "optimizer"));
  assert.equal(size, 60 * MB);
  assert.ok(blocks * 512 < 10 * MB, `${blocks * 512} bytes on disk`);
  // To look for holes where there are none takes much longer than to write.
  writeFileSync(join(scene.from, "model"), randomBytes(MB));
  await pullCheckpoints(scene);
  assert.deepEqual(
    words().map((call) => call.includes("--sparse")),
    [true, false],
  );
});

/** Notes how rsync is called here. */
function wordsOfRsync(t: TestContext, { from }: Scene): () => string[][] {
  const bin = join(from, "..", "bin");
  mkdirSync(bin);
  const real = execFileSync("sh", ["-c", "command -v rsync"], { encoding: "utf8" }).trim();
  writeFileSync(join(bin, "rsync"), `#!/bin/sh\necho "$@" >>${bin}/calls\nexec ${real} "$@"\n`, { mode: 0o755 });
  const { PATH } = process.env;
  process.env.PATH = `${bin}:${PATH}`;
  t.after(() => {
    process.env.PATH = PATH;
  });
  const lines = () => readFileSync(join(bin, "calls"), "utf8").trim().split("\n");
  return () => lines().map((line) => line.split(" "));
}

test("the machine hashes while files are copied", needsRoot, async (t) => {
  const scene = await openScene(t);
  writeFileSync(join(scene.from, "step_1"), "one");
  const at = join(scene.from, "..");
  // Each waits for the other to begin.
  scene.behave(`${hashingBeginsWith(scene, `: >${at}/hashing; await ${at}/copying`)}
    [ $isCopy = 0 ] || { : >${at}/copying; await ${at}/hashing; }
    asked`);
  assert.equal((await pullCheckpoints(scene)).files, 1);
  assert.equal(readFileSync(join(scene.to, "step_1"), "utf8"), "one");
});

test("a file that changes between its copy and its sum is fetched again", needsRoot, async (t) => {
  const scene = await openScene(t);
  writeFileSync(join(scene.from, "step_1"), "one");
  const at = join(scene.from, "..");
  scene.behave(`${hashingBeginsWith(scene, `await ${at}/copied`)}
    asked
    [ $isCopy = 0 ] || [ -e ${at}/copied ] || { printf two >${scene.from}/step_1; : >${at}/copied; }`);
  const { files, changing } = await pullCheckpoints({ ...scene, live: true });
  assert.deepEqual({ files, changing }, { files: 1, changing: [] });
  assert.equal(readFileSync(join(scene.to, "step_1"), "utf8"), "two");
});

test("when either of copy and sums fails, so does the pull, and the other is ended", needsRoot, async (t) => {
  const scene = await openScene(t);
  writeFileSync(join(scene.from, "step_1"), "one");
  const broken = "echo broken >&2; exit 3";
  const isSlow = `while [ -e ${scene.from} ]; do sleep 0.1; done`;
  for (const [copying, hashing] of [
    [broken, isSlow],
    [isSlow, "kill -9 $PPID"],
  ]) {
    scene.behave(`${hashingBeginsWith(scene, hashing ?? "")}\n[ $isCopy = 0 ] || { ${copying}; }\nasked`);
    await assert.rejects(pullCheckpoints(scene), /broken|exit code 137|the connection broke/);
    assert.ok(!existsSync(join(scene.to, "step_1")));
  }
});

test("that training has ended is only believed if it was asked before the last look", needsRoot, async (t) => {
  const scene = await openScene(t);
  const looks = join(scene.from, "..", "looks");
  scene.behave(`echo >>${looks}; asked`);
  const mark = "a training";
  const ended = (async () => {
    while (!existsSync(looks)) await sleep(20);
    // Who does not wait for this has looked again by then.
    await sleep(1500);
    assert.equal(readFileSync(looks, "utf8").length, 1);
    return mark;
  })();
  await pullCheckpoints({ ...scene, live: true, ended });
  assert.equal(readFileSync(looks, "utf8").length, 2);
  assert.equal(recordOf(scene.to)?.ended, mark);
});

test("a folder is home when two listings agree: a saver that goes on is waited for, or named", needsRoot, async (t) => {
  const scene = await openScene(t);
  writeFileSync(join(scene.from, "step_1"), "one");
  // It saves once more after everything was fetched.
  scene.behave(`asked; [ $isCopy = 0 ] || [ -e ${scene.from}/step_2 ] || echo two >${scene.from}/step_2`);
  assert.equal((await pullCheckpoints(scene)).files, 2);
  assert.equal(readFileSync(join(scene.to, "step_2"), "utf8"), "two\n");
  scene.behave(`asked; [ $isCopy = 1 ] || date +%N >${scene.from}/step_3`);
  await assert.rejects(
    pullCheckpoints(scene),
    (error) => isRemoteError(error, "mismatch") && /step_3 .*something on the machine still writes/.test(error.message),
  );
});
