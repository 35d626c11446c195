import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { exampleRepository } from "../../../simulator/hosts/index.ts";
import { needsRoot, on, openScene, run, sshOptions } from "../../support/hosts.ts";

test("sftp and rsync carry files both ways", needsRoot, async (t) => {
  const { key, folder, machine } = await openScene(t);
  const host = await machine();
  const port = String(host.directPort);
  writeFileSync(join(folder, "up"), "by sftp");
  const batch = `put ${folder}/up /workspace/up\nget /workspace/up ${folder}/down\n`;
  const sftp = await run("sftp", [...sshOptions(key), "-P", port, "-b", "-", "root@127.0.0.1"], batch);
  assert.equal(sftp.code, 0, sftp.stderr);
  assert.equal(readFileSync(join(folder, "down"), "utf8"), "by sftp");

  await on(
    host,
    key,
    "mkdir -p /workspace/checkpoints/step_1; head -c 3000000 /dev/urandom >/workspace/checkpoints/step_1/big",
  );
  const shell = ["ssh", ...sshOptions(key), "-p", port].join(" ");
  mkdirSync(join(folder, "home"));
  const rsync = await run("rsync", [
    "-az",
    "-e",
    shell,
    "root@127.0.0.1:/workspace/checkpoints/",
    join(folder, "home"),
  ]);
  assert.equal(rsync.code, 0, rsync.stderr);
  const there = await on(host, key, "sha256sum </workspace/checkpoints/step_1/big");
  assert.equal((await run("sha256sum", [], "")).code, 0);
  const here = await run("sh", ["-c", `sha256sum <${join(folder, "home/step_1/big")}`]);
  assert.equal(here.stdout.trim(), there);
});

test("a terminal: tmux is attached and left", needsRoot, async (t) => {
  const { key, machine } = await openScene(t);
  const host = await machine();
  await on(host, key, "tmux new-session -d -s train 'echo it trains; exec sleep 100000'");
  const words = [
    ...sshOptions(key),
    "-tt",
    "-p",
    String(host.directPort),
    "root@127.0.0.1",
    "tty; read -r _; tmux attach -t train",
  ];
  const client = spawn("ssh", words, { env: { ...process.env, TERM: "xterm" } });
  t.after(() => client.kill());
  let screen = "";
  let told = false;
  let seen = false;
  for await (const chunk of client.stdout) {
    screen += chunk;
    // tmux throws away what the terminal has not yet shown when it attaches.
    if (!told && screen.includes("\n")) {
      told = true;
      client.stdin.write("\n");
    }
    if (!seen && screen.includes("it trains")) {
      seen = true;
      await on(host, key, "tmux detach-client -s train");
    }
    if (screen.includes("[detached (from session train)]")) break;
  }
  client.stdin.end();
  if (client.exitCode === null) await once(client, "exit");
  assert.match(screen, /^\/dev\/pts\/\d+/);
  assert.match(screen, /\[detached \(from session train\)\]/);
  assert.equal(await on(host, key, "tmux has-session -t train && echo still there"), "still there");
});

test("git clones and fetches", needsRoot, async (t) => {
  const { key, folder, machine } = await openScene(t);
  const host = await machine();
  const repository = await exampleRepository(join(folder, "tiny-train"));
  const bundle = await run("git", ["-C", repository, "bundle", "create", "--quiet", join(folder, "bundle"), "--all"]);
  assert.equal(bundle.code, 0, bundle.stderr);
  const encoded = readFileSync(join(folder, "bundle")).toString("base64");
  await on(host, key, "base64 -d >/tmp/bundle", encoded);
  const clone = "git clone -q -b jan /tmp/bundle /workspace/tiny-train && git -C /workspace/tiny-train rev-parse HEAD";
  const { stdout } = await run("git", ["-C", repository, "rev-parse", "jan"]);
  assert.equal(await on(host, key, clone), stdout.trim());
});

test("orphans are reaped", needsRoot, async (t) => {
  const { key, machine } = await openScene(t);
  const host = await machine();
  await on(host, key, "for i in 1 2 3 4 5; do (setsid sh -c 'exit 0' &) ; done");
  const dead = "until [ \"$(ps -eo stat= | grep -c '^Z')\" = 0 ]; do sleep 0.05; done; echo none";
  assert.equal(await on(host, key, dead), "none");
});
