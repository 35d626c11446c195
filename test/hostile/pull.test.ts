import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { checkpointsHome, type PullRequest, pullCheckpoints } from "../../components/checkpoints/pull.ts";
import { pinHostKey } from "../../components/ssh/known-hosts.ts";
import { probe } from "../../components/ssh/probe.ts";
import { isRemoteError } from "../../components/ssh/remote-error.ts";
import { runScript } from "../../components/ssh/run-script.ts";
import { notAll } from "../support/all.ts";
import { needsRoot, portThat, sshd, temporaryHome } from "../support/sshd.ts";

interface Scene extends PullRequest {
  /** Everything of the test; only `machine` and the folder at home may be read or written in it. */
  readonly root: string;
}

/** A machine on loopback. `forced` = what its sshd runs, whatever is asked for; $SSH_ORIGINAL_COMMAND is that. */
async function openScene(t: TestContext, forced?: string): Promise<Scene> {
  const home = temporaryHome(t);
  const root = mkdtempSync(join(tmpdir(), "hostile-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  writeFileSync(join(root, "forced"), `#!/bin/bash\n${forced ?? ""}\n`, { mode: 0o700 });
  const options = forced === undefined ? {} : { ForceCommand: join(root, "forced") };
  const { port, hostKey } = await sshd(t, home.key.publicKey, options);
  pinHostKey(home.key.knownHostsFile, 7, hostKey);
  mkdirSync(join(root, "machine"));
  return {
    root,
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

/** Names below a folder; a link is a name, and is not followed. */
function names(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => [
      entry.name,
      ...(entry.isDirectory() ? names(join(folder, entry.name)).map((name) => join(entry.name, name)) : []),
    ])
    .sort();
}

test("what links lead to comes home as plain files, and no link at home leads out", needsRoot, async (t) => {
  const scene = await openScene(t);
  const machine = (name: string) => join(scene.from, name);
  mkdirSync(machine("step_1"));
  writeFileSync(machine("step_1/weights"), "honest");
  mkdirSync(join(scene.root, "secret"));
  writeFileSync(join(scene.root, "secret", "id"), "outside");
  symlinkSync(join(scene.root, "secret"), machine("step_2"));
  symlinkSync("/etc/hostname", machine("name"));
  symlinkSync("../secret", machine("up"));
  symlinkSync("step_1/../../secret", machine("detour"));
  symlinkSync("step_1", machine("latest"));
  symlinkSync("latest/../..", machine("step_1/chain"));
  execFileSync("mkfifo", [machine("fifo")]);
  execFileSync("mknod", [machine("null"), "c", "1", "3"]);
  const { files } = await pullCheckpoints(scene);
  assert.equal(files, 3);
  const links = ["latest", "step_1/chain", "step_2", "up"];
  assert.deepEqual(names(scene.to), ["detour", "detour/id", "name", "step_1", "step_1/weights", ...links].sort());
  assert.deepEqual(
    links.map((name) => realpathSync(join(scene.to, name))),
    ["step_1", "", "detour", "detour"].map((name) => join(realpathSync(scene.to), name)),
  );
  assert.ok(lstatSync(join(scene.to, "detour")).isDirectory() && lstatSync(join(scene.to, "name")).isFile());
});

test("a machine that sends a link in place of a file places none", needsRoot, async (t) => {
  // Its rsync is not told to follow links.
  const scene = await openScene(t, `exec bash -c "\${SSH_ORIGINAL_COMMAND/ -sL/ -s}"`);
  mkdirSync(join(scene.root, "elsewhere"));
  for (const name of ["elsewhere/inside", "best"]) writeFileSync(join(scene.root, name), name);
  symlinkSync(join(scene.root, "elsewhere"), join(scene.from, "run"));
  symlinkSync(join(scene.root, "best"), join(scene.from, "best"));
  await assert.rejects(
    pullCheckpoints(scene),
    (error: Error) => isRemoteError(error, "mismatch") && /best differ/.test(error.message),
  );
  for (const folder of [scene.to, `${scene.to}.incoming`]) {
    const isLink = (name: string) => lstatSync(join(folder, name)).isSymbolicLink();
    assert.deepEqual(
      names(folder).filter((name) => name === "best" || isLink(name)),
      [],
      folder,
    );
  }
});

test("a folder that was a link before does not lead the copy out", needsRoot, async (t) => {
  const scene = await openScene(t);
  mkdirSync(join(scene.root, "elsewhere"));
  mkdirSync(scene.to, { recursive: true });
  symlinkSync(join(scene.root, "elsewhere"), join(scene.to, "step_1"));
  mkdirSync(join(scene.from, "step_1"));
  writeFileSync(join(scene.from, "step_1", "weights"), "honest");
  assert.equal((await pullCheckpoints(scene)).files, 1);
  assert.deepEqual(names(join(scene.root, "elsewhere")), []);
});

const awkward = [
  "-rf",
  "--rsync-path=touch x",
  "line\nbreak",
  "esc\u001b[2J",
  "$(touch x)",
  "*",
  " ",
  "~",
  "a:b",
  "...",
];

test("names mean nothing to a shell, to rsync or to a terminal", needsRoot, async (t) => {
  const scene = await openScene(t);
  for (const name of awkward) writeFileSync(join(scene.from, name), name);
  assert.equal((await pullCheckpoints(scene)).files, awkward.length);
  assert.deepEqual(names(scene.to), awkward.toSorted());
});

/** Answers the manifest with this, and everything else honestly. */
const manifests = (printf: string) => `
if [ "$SSH_ORIGINAL_COMMAND" != "bash -s" ]; then exec bash -c "$SSH_ORIGINAL_COMMAND"; fi
cat >/dev/null
printf '\\nmanifest\\0${printf}end\\0'`;

/** Each is found where another one is found as well. */
const LIKE_OTHERS = new Set(["an absolute name", "a size that no disk has", "a name that no disk can have"]);

const HASH = "b1bdb624377baa7b62cd3a3b8f60b4d7a7f07e6f4c2b4a8e8c9c0c4b28c1f4f1";

const lies: [what: string, printf: string, kind: "failed" | "mismatch" | "disk_full", why: RegExp][] = [
  [
    "a name outside the folder",
    "s 6 8 1 1.0 1.0 ../../../elsewhere\\0",
    "failed",
    /has impossible entries \(s 6 8 1 1\.0 1\.0 \.\.\/\.\.\/.*1 files are home/,
  ],
  ["an absolute name", "s 6 8 1 1.0 1.0 /etc/passwd\\0", "failed", /has impossible entries/],
  ["a size that no disk has", "s 99999999999999999999999999 8 1 1.0 1.0 big\\0", "failed", /has impossible entries/],
  ["a size that this disk has not", "s 9000000000000000 17578125000000 1 1.0 1.0 big\\0", "disk_full", /has room for/],
  ["another sha256", `s 6 8 1 1.0 1.0 second\\0${HASH} *./second\\0`, "mismatch", /second differ/],
  [
    "a name that no disk can have",
    `s 6 8 1 1.0 1.0 ${"x".repeat(5000)}\\0${HASH} *./${"x".repeat(5000)}\\0`,
    "mismatch",
    /xxx.* differ/,
  ],
];

for (const [what, printf, kind, why] of lies) {
  const skip = LIKE_OTHERS.has(what) && notAll ? { skip: notAll } : needsRoot;
  test(`a manifest that lies: ${what}`, skip, async (t) => {
    const scene = await openScene(t, manifests(`s 6 8 1 1.0 1.0 first\\0${sha256("honest")} *./first\\0${printf}`));
    for (const name of ["first", "second"]) writeFileSync(join(scene.from, name), "honest");
    await assert.rejects(pullCheckpoints(scene), (error: Error) => {
      assert.ok(isRemoteError(error, kind), String(error));
      assert.match(error.message, why);
      assert.ok(error.message.length < 900);
      return true;
    });
    if (kind !== "disk_full") assert.equal(readFileSync(join(scene.to, "first"), "utf8"), "honest", "came home");
    assert.deepEqual(readdirSync(scene.root).sort(), ["forced", "home", "machine"]);
  });
}

function sha256(text: string): string {
  return execFileSync("sha256sum", { input: text, encoding: "utf8" }).slice(0, 64);
}

test("a machine that talks without end is given up", needsRoot, async (t) => {
  const talks = await openScene(t, "exec yes");
  await assert.rejects(
    pullCheckpoints(talks),
    (error: Error) => isRemoteError(error, "failed") && /without end/.test(error.message),
  );
  const complains = await openScene(
    t,
    manifests("s 6 8 1 1.0 1.0 first\\0").replace('exec bash -c "$SSH_ORIGINAL_COMMAND"', "exec yes >&2"),
  );
  await assert.rejects(
    pullCheckpoints(complains),
    (error: Error) => isRemoteError(error, "failed") && /without end/.test(error.message),
  );
});

test("what it complains about fits into a sentence, and does nothing to a terminal", needsRoot, async (t) => {
  const scene = await openScene(
    t,
    "head -c 3000000 /dev/zero | tr '\\0' x >&2; printf '\\n\\033]0;title\\007\\033[2Jwoe\\r' >&2; exit 3",
  );
  await assert.rejects(runScript(scene, ""), ({ message }: Error) => {
    assert.match(message, /exit code 3.*woe$/);
    assert.doesNotMatch(message, /[\p{Cc}]/u);
    return message.length < 900;
  });
});

test("a banner flood, before and after the login, is neither shown nor waited for", needsRoot, async (t) => {
  const home = temporaryHome(t);
  const banner = join(home.path, "banner");
  writeFileSync(banner, "\u001b[2Jbuy now\n".repeat(20_000));
  const { port } = await sshd(t, home.key.publicKey, { Banner: `"${banner}"` });
  const at = (port: number) => ({ host: "127.0.0.1", port, via: "direct" as const });
  const access = { instanceId: 7, key: home.key, firstUse: true };
  assert.equal((await probe(at(port), access)).ok, true);
  const flood = await portThat(t, (socket) => {
    const more = () => {
      while (socket.writable && socket.write("no ssh here\r\n".repeat(1000)));
    };
    socket.on("drain", more);
    more();
  });
  const result = await probe(at(flood), access);
  assert.ok(
    !result.ok && ["closed", "failed"].includes(result.reason) && result.text.length <= 300,
    JSON.stringify(result),
  );
});
