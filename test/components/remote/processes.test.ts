import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
import { script } from "../../../components/remote/script.ts";
import { type Box, carriersOf, killNow, openBox } from "./box.ts";

const ID = "0123456789abcdef0123456789abcdef";
const CARRIES = { TRAINING_ID: ID };
const STAYS = "echo $$; exec sleep 1000";

interface Scene {
  readonly root: string;
  readonly folder: string;
  readonly run: Box["run"];
  /** Starts bash with these words, in a session of its own; answers with the pid that it prints. */
  start(words: readonly string[], env?: Record<string, string>, input?: string): Promise<number>;
  /** By pid: what each process of the training is. */
  listed(env?: Record<string, string>): Promise<Map<number, string>>;
  write(name: string, content: string): void;
}

/** A machine with a training's marks, and no training of its own. */
function open(t: TestContext, folderName = "checkpoints"): Scene {
  const box = openBox(t);
  const folder = join(box.workspace, folderName);
  mkdirSync(join(folder, "deep"), { recursive: true });
  const write = (name: string, content: string) => box.write(join(box.workspace, ".vast-training", name), content);
  write("train.id", `${ID}\n`);
  write("train.folder", `${folder}\n`);
  const children: ChildProcess[] = [];
  const started: number[] = [];
  t.after(async () => {
    for (const pid of [...carriersOf(ID), ...started]) killNow(pid);
    for (const child of children) {
      const ended = child.exitCode === null && child.signalCode === null ? once(child, "exit") : undefined;
      killNow(-(child.pid ?? 0));
      await ended;
    }
  });
  const text = script({ WORKSPACE: box.workspace }, "common", "folder", "processes", "training");
  return {
    root: box.root,
    folder,
    run: box.run,
    write,
    start: async (words, env = {}, input = "") => {
      const child = spawn("bash", words, {
        env: { ...process.env, HOME: box.home, ...env },
        cwd: folder,
        detached: true,
        stdio: ["pipe", "pipe", "inherit"],
      });
      children.push(child);
      child.stdin.write(input);
      for await (const line of createInterface(child.stdout)) {
        const [, pid] = /^(?:pid=)?(\d+)\r?$/.exec(line) ?? [];
        if (pid === undefined) continue;
        started.push(Number(pid));
        return Number(pid);
      }
      throw new Error(`it has ended: ${words.join(" ")}`);
    },
    listed: async (env = {}) => {
      const assignments = Object.entries(env).map(([name, value]) => `export ${name}=${value}`);
      const inner = text.replace("\nexit 0\n", "\ntraining_processes; exit 0\n");
      const { out, err } = await box.run([...assignments, "exec bash -s <<'INNER'", inner, "INNER", ""].join("\n"));
      assert.equal(err, "");
      return new Map(
        out
          .split("\n")
          .filter((line) => line !== "")
          .map((line) => line.split(" "))
          .map(([pid, , , kind = ""]) => [Number(pid), kind]),
      );
    },
  };
}

/** Python that maps the file x with this protection, closes it, and stays. */
const maps = (protection: string) =>
  `exec python3 -c '
import ctypes, mmap, os, time
file = os.open("x", os.O_RDWR | os.O_CREAT)
os.truncate(file, 4096)
ctypes.CDLL(None).mmap(None, 4096, ${protection}, mmap.MAP_SHARED, file, 0)
os.close(file)
print(os.getpid(), flush=True)
time.sleep(1000)'`;
const WRITE = "mmap.PROT_READ | mmap.PROT_WRITE";

const members: [string, "own" | "writer", string, Record<string, string>][] = [
  ["a process that carries its id", "own", STAYS, CARRIES],
  ["a child whose environment was emptied", "own", `env -i bash -c '${STAYS}' & wait`, CARRIES],
  [
    "a grandchild of it in a session of its own",
    "own",
    `env -i bash -c 'setsid bash -c "${STAYS.replace("$$", "\\$\\$")}" & wait' & wait`,
    CARRIES,
  ],
  ["one that writes a file", "writer", `exec 7>x; ${STAYS}`, {}],
  ["one that appends to a file", "writer", `exec 7>>deep/x; ${STAYS}`, {}],
  ["one that reads and writes a file", "writer", `exec 7<>deep/y; ${STAYS}`, {}],
  ["one that writes a file without a name any more", "writer", `exec 7>z; rm z; ${STAYS}`, {}],
  ["one that has mapped a file to write, and closed it", "writer", maps(WRITE), {}],
  ["one that writes behind a link", "writer", `mkdir ../far; ln -s ../far run1; cd ../far; exec 7>x; ${STAYS}`, {}],
  [
    "one that maps behind a link of a link",
    "writer",
    `mkdir ../far; ln -s ../far a; ln -s a b; cd ../far; ${maps(WRITE)}`,
    {},
  ],
  ["one that writes a file that a link leads to", "writer", `ln -s ../single best; exec 7>../single; ${STAYS}`, {}],
  ["a shell that runs a command", "own", `exec bash -c '${STAYS}; exit'`, CARRIES],
];

for (const [what, kind, command, env] of members)
  test(`${what} belongs to the training`, async (t) => {
    const scene = open(t);
    const pid = await scene.start(["-c", command], env);
    assert.equal((await scene.listed()).get(pid), kind);
  });

for (const name of ["odd [ab]*?\\ name", "plain"])
  test(`a folder is what its name says, and what a link leads to: ${name}`, async (t) => {
    const scene = open(t, name);
    const link = join(scene.root, "link");
    symlinkSync(scene.folder, link);
    scene.write("train.folder", `${link}\n`);
    for (const command of [`exec 7>x; ${STAYS}`, maps(WRITE)]) {
      const pid = await scene.start(["-c", command]);
      assert.equal((await scene.listed()).get(pid), "writer");
    }
  });

const strangers: [string, string, Record<string, string>][] = [
  ["a training with another id", STAYS, { TRAINING_ID: `${ID}0` }],
  ["a variable with a longer name", STAYS, { OLD_TRAINING_ID: ID }],
  ["a value that holds such a line", STAYS, { NOTE: `\nTRAINING_ID=${ID}\n` }],
  ["an argument that looks so", `exec bash -c '${STAYS}; exit' TRAINING_ID=${ID}`, {}],
  ["one that reads a checkpoint", `>x; exec 7<x; ${STAYS}`, {}],
  ["one that writes beside the folder", `mkdir -p ../checkpoints2; exec 7>../checkpoints2/x; ${STAYS}`, {}],
  ["one that only stands in the folder", STAYS, {}],
  ["one that has mapped a file to read", maps("mmap.PROT_READ"), {}],
  ["one that writes where a link leads that is not followed", `ln -s .. up; exec 7>../x; ${STAYS}`, {}],
  [
    "one that writes a log of ours where a link leads",
    `mkdir -p ../logs; ln -s ../logs logs; exec 7>logs/x; ${STAYS}`,
    {},
  ],
];

for (const [what, command, env] of strangers)
  test(`no process of the training: ${what}`, async (t) => {
    const scene = open(t);
    await scene.start(["-c", command], env);
    assert.deepEqual([...(await scene.listed())], []);
  });

test("sshd is spared, and so is who came in by it", async (t) => {
  const scene = open(t);
  const sshd = join(scene.root, "sshd");
  copyFileSync("/bin/bash", sshd);
  const logged = `env -i bash -c 'echo $$; exec sleep 1000' 7>&-`;
  await scene.start(["-c", `exec 7>x; exec ${sshd} -c "${logged.replace("$$", "\\$\\$")}; exit"`], CARRIES);
  assert.deepEqual([...(await scene.listed())], []);
});

test("tmux's server is spared, not what runs in it", async (t) => {
  const scene = open(t);
  const tmux = "tmux -L own -f /dev/null";
  const ready = join(scene.root, "ready");
  // Whoever has asked for the session carries the id as well, and has ended after this.
  const { out } = await scene.run(`export TRAINING_ID=${ID}
${tmux} new-session -d 'touch ${ready}; exec sleep 1000'
until [ -e ${ready} ]; do sleep 0.05; done
${tmux} display-message -p '#{pid}'`);
  assert.deepEqual([...(await scene.listed()).values()], ["own"]);
  assert.equal((await scene.listed()).has(Number(out)), false);
});

test("a login shell is spared", async (t) => {
  const scene = open(t);
  const login = "exec 7>x; exec -a -bash bash --noprofile --norc";
  await scene.start(["-c", login], CARRIES, "echo $$\n");
  assert.deepEqual([...(await scene.listed())], []);
});

test("a shell that somebody types into is spared, unless it is in training's own terminal", async (t) => {
  const scene = open(t);
  const typed = "exec script -qfc 'exec bash --norc --noprofile' /dev/null";
  const pid = await scene.start(["-c", typed], CARRIES, "exec 7>x; echo pid=$$\n");
  assert.equal((await scene.listed()).has(pid), false);
  scene.write("train.pid", `${pid} 1 earlier\n`);
  assert.equal((await scene.listed()).get(pid), "own");
});

test("whoever looks is no process of the training, nor are guard and watcher, whatever they carry", async (t) => {
  const scene = open(t);
  assert.deepEqual([...(await scene.listed(CARRIES))], []);
  const pid = await scene.start(["-c", STAYS], CARRIES);
  const birth = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ")[19];
  const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  for (const who of ["guard", "watcher"]) {
    assert.deepEqual([...(await scene.listed(CARRIES)).keys()].length, 1);
    scene.write(`${who}.pid`, `${pid} ${birth} ${boot}\n`);
    assert.deepEqual([...(await scene.listed(CARRIES))], []);
    scene.write(`${who}.pid`, "");
  }
});

test("one that was known stays known, another process with its pid does not", async (t) => {
  const scene = open(t);
  const pid = await scene.start(["-c", STAYS]);
  const birth = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ")[19];
  const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8");
  scene.write("train.known", `${boot}${pid} ${birth} 1 own\n`);
  assert.equal((await scene.listed()).get(pid), "own");
  scene.write("train.known", `${boot}${pid} ${Number(birth) - 1} 1 own\n`);
  assert.deepEqual([...(await scene.listed())], []);
  scene.write("train.known", `earlier\n${pid} ${birth} 1 own\n`);
  assert.deepEqual([...(await scene.listed())], []);
});
