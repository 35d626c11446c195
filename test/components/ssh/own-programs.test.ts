import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { type TestContext, test } from "node:test";
import { checkPrograms, fastCiphers } from "../../../components/ssh/own-programs.ts";

/** A PATH with the real programs but those that are named, which are what is said instead, or missing. */
function pathWith(t: TestContext, instead: Readonly<Record<string, string | undefined>>): NodeJS.ProcessEnv {
  const folder = mkdtempSync(join(tmpdir(), "vast-programs-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const name of ["ssh", "rsync", "git"]) {
    const file = join(folder, name);
    if (!(name in instead)) symlinkSync(realPath(name), file);
    const script = instead[name];
    if (script === undefined) continue;
    writeFileSync(file, `#!/bin/sh\n${script}\n`);
    chmodSync(file, 0o755);
  }
  return { PATH: folder, HOME: folder };
}

function realPath(name: string): string {
  const folders = (process.env.PATH ?? "").split(delimiter);
  return folders.map((folder) => join(folder, name)).find((file) => existsSync(file)) ?? assert.fail(`no ${name} here`);
}

test("what is here works", async (t) => {
  assert.deepEqual(await checkPrograms(pathWith(t, {})), { value: true, problems: [] });
});

test("each program that is missing, broken or too old is named with what to do", async (t) => {
  const old = "echo 'command-line: line 0: Bad configuration option: stricthostkeychecking' >&2; exit 255";
  const broken = "echo 'rsync: error while loading shared libraries: libxxhash.so.0' >&2; exit 127";
  const { value, problems } = await checkPrograms(pathWith(t, { ssh: old, rsync: broken, git: undefined }));
  assert.equal(value, undefined);
  assert.deepEqual(
    problems.map(({ key, found }) => [key, found]),
    [
      ["PATH", "ssh does not work here (command-line: line 0: Bad configuration option: stricthostkeychecking)"],
      ["PATH", "rsync does not work here (rsync: error while loading shared libraries: libxxhash.so.0)"],
      ["PATH", "there is no git on PATH"],
    ],
  );
  for (const { write } of problems) assert.match(write ?? "", /^install .*, or put it on PATH$/);
});

test("a folder for temporary files that is gone, or is none, is told before a login needs it", async (t) => {
  const env = pathWith(t, {});
  for (const [TMPDIR, why] of [
    [join(env.HOME ?? "", "gone"), "it is not there"],
    [join(env.PATH ?? "", "ssh"), "a part of the path is no folder"],
  ] as const) {
    const [problem, ...others] = (await checkPrograms({ ...env, TMPDIR })).problems;
    assert.deepEqual([problem?.key, others], ["TMPDIR", []]);
    assert.ok(problem?.found.startsWith(`${TMPDIR} cannot be used: ${why}`), problem?.found);
  }
  assert.deepEqual((await checkPrograms({ ...env, TMPDIR: env.HOME })).problems, []);
  assert.deepEqual(readdirSync(env.HOME ?? "").sort(), ["git", "rsync", "ssh"], "nothing is left there");
});

test("AES-GCM comes first among the ciphers of the ssh that is here", async (t) => {
  const [first, ...others] = (await fastCiphers(pathWith(t, {})))?.split(",") ?? [];
  assert.equal(first, "aes128-gcm@openssh.com");
  assert.equal(new Set(others).size, others.length);
});

for (const [what, ssh, found] of [
  [
    "none is added to what a stricter ssh has",
    "echo port 22; echo ciphers aes256-ctr,aes256-gcm@openssh.com,aes128-ctr",
    "aes256-gcm@openssh.com,aes256-ctr,aes128-ctr",
  ],
  ["an ssh without AES-GCM keeps its own order", "echo ciphers chacha20-poly1305@openssh.com,aes128-ctr", undefined],
  ["an ssh that names none keeps its own order", "echo port 22", undefined],
  ["an ssh that cannot say keeps its own order", "exit 255", undefined],
  ["where there is no ssh there are none", undefined, undefined],
] as const)
  test(what, async (t) => assert.equal(await fastCiphers(pathWith(t, { ssh })), found));
