import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { trainScript } from "../../../components/remote/scripts.ts";
import { isAll } from "../../support/all.ts";
import { openBox, stepOf, until } from "./box.ts";

/** As a progress bar prints: one line for ever. */
const BAR = "seq 1 2000000 | tr '\\n' '\\r'";

interface Seen {
  readonly inode: boolean;
  readonly size: number;
  /** Most of the disk that it took at any look, bytes. */
  readonly most: number;
  readonly text: string;
  /** Begin and end of what the follower saw. */
  readonly followed: string;
}

/** What is kept of the first and the last part of a log, bytes. */
interface Kept {
  readonly first: number;
  readonly last: number;
}

const NORMAL: Kept = { first: 8_388_608, last: 33_554_432 };
const SMALL: Kept = { first: 65_536, last: 262_144 };

const exported = ({ first, last }: Kept) => `export LOG_FIRST=${first} LOG_LAST=${last}`;

/** A log that takes no more than this is not cut, bytes. */
const uncut = ({ first, last }: Kept) => Math.floor((first + last) / 3) * 4;

/** Waits until the log is so short that nothing more is cut: before that, who reads it may read it while it is moved. */
async function untilCut(log: string, kept: Kept): Promise<void> {
  const taken = () => Math.min(statSync(log).size, statSync(log).blocks * 512);
  await until(
    () => taken() <= uncut(kept),
    () => `${taken()} bytes are left`,
  );
}

/** A training whose log is followed by a plain tail from its first line on, and which then prints a great deal. */
async function follow(t: TestContext, before: string, print: string, kept = SMALL): Promise<Seen> {
  const box = openBox(t);
  const go = join(box.root, "go");
  const command = `echo begins; until [ -e ${go} ]; do sleep 0.05; done; ${print}; echo; echo the end; sleep 600`;
  const started = await box.run(`${exported(kept)}\n${before}\n${trainScript(stepOf(box, command))}`);
  assert.equal(started.code, 0, started.err);
  const log = join(box.workspace, "train.log");
  const { ino } = statSync(log);
  const tail = spawn("tail", ["-n", "+1", "-f", log], { stdio: ["ignore", "pipe", "ignore"] });
  t.after(() => tail.kill());
  let [begin, end] = ["", ""];
  tail.stdout.on("data", (chunk: Buffer) => {
    const text = chunk.toString("latin1");
    begin = (begin + text).slice(0, 1000);
    end = (end + text).slice(-1000);
  });
  writeFileSync(go, "");
  let most = 0;
  await until(
    () => {
      most = Math.max(most, statSync(log).blocks * 512);
      return end.includes("the end");
    },
    () => `the follower saw ${begin.slice(0, 100)} … ${end.slice(-100)}`,
    5000,
  );
  await untilCut(log, kept);
  const { ino: inode, size } = statSync(log);
  const { out } = await box.run(`head -c 1000 ${log}; tr -d '\\0' <${log} | tail -c 100000`);
  return { inode: inode === ino, size, most, text: out, followed: `${begin}…${end}` };
}

test("the middle of a long log is cut out in place, and who follows it goes on", async (t) => {
  const { inode, size, text, followed } = await follow(t, "", `${BAR}; sleep 2; ${BAR}`);
  assert.ok(inode);
  assert.ok(size > 27_000_000, "a hole keeps the size");
  assert.match(text, /^begins\n1\r2\r3\r/);
  assert.match(text, /1999999\r2000000\r\nthe end\n$/);
  assert.match(followed, /^begins\n1\r2\r3\r.*\r1999999\r2000000\r\nthe end\n$/s);
});

test("a tail by lines does not look into the hole, and what is left is short", async (t) => {
  const box = openBox(t);
  const command = `echo begins; ${BAR}; sleep 2; echo; echo the end`;
  await box.run(`${exported(SMALL)}\n${trainScript(stepOf(box, command))}`);
  await until(
    () => box.read("train.exit") === "0\n",
    () => "training has not ended",
  );
  const log = join(box.workspace, "train.log");
  await untilCut(log, SMALL);
  const { out } = await box.run(`tail -n 500 ${log}`);
  assert.ok(out.length < 400_000 && !out.includes("\0"), String(out.length));
  assert.match(await box.run(`tr -d '\\0' <${log}`).then((all) => all.out), /\n\[vast-training\] The log is cut here/);
});

test("where the file system makes no holes, the rest moves down", async (t) => {
  const fake = "mkdir -p bin; printf 'exit 1\\n' >bin/fallocate; chmod +x bin/fallocate; export PATH=$PWD/bin:$PATH";
  // Lines that are written while the rest is moved are lost; the last ones shall not be among them.
  const cut = `until [ "$(stat -c %s ../train.log)" -le ${uncut(SMALL)} ]; do sleep 0.1; done`;
  const { inode, size, text, followed } = await follow(t, fake, `${BAR}; ${cut}; ${BAR}; ${cut}`);
  assert.ok(inode);
  assert.ok(size < 600_000, String(size));
  assert.match(text, /^begins\n1\r2\r3\r/);
  assert.match(text, /1999999\r2000000\r\nthe end\n$/);
  assert.match(followed, /\r1999999\r2000000\r\nthe end\n$/);
});

test("3 GB of a progress bar take 200 MB of disk at most", { skip: !isAll }, async (t) => {
  const bar =
    "yes '100%|##########| 1000/1000 [00:01<00:00, 998.42it/s, loss=0.693]' | head -c 3000000000 | tr '\\n' '\\r'";
  const { size, most, followed } = await follow(t, "", bar, NORMAL);
  assert.ok(size > 3_000_000_000);
  t.diagnostic(`most ${most}`);
  assert.ok(most < 200_000_000, String(most));
  assert.match(followed, /the end\n$/);
});
