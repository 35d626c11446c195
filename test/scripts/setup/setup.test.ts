import assert from "node:assert/strict";
import { mkdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { startCommand } from "../../../scripts/lib/command.ts";
import { gitStatus } from "../../../scripts/lib/traces.ts";
import { projectDir } from "../../../scripts/lib/workspace.ts";
import { type Clone, noUnprivileged, openClone } from "./clone.ts";

/** As set-up itself notes it after a download that failed, so that the tests ask nobody. */
function officialPluginIsUnreachable(clone: Clone): void {
  const file = join(clone.home, ".cache", "vast-training", "official-plugins.json");
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify({ unreachableAt: new Date().toISOString() }));
}

test("a set-up with nothing to do says one line and changes nothing", async () => {
  const before = gitStatus();
  const words = userInfo().uid === 0 ? ["--for", "test"] : [];
  const command = () =>
    startCommand(process.execPath, ["scripts/setup.mjs", ...words], { cwd: projectDir, env: process.env }).result;
  await command();
  const { code, stdout, stderr } = await command();
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^The toolchain is ready: .*\n$/);
  assert.equal(gitStatus(), before);
});

test("set-up without root", { skip: noUnprivileged }, async (t) => {
  const clone = openClone(t);
  officialPluginIsUnreachable(clone);
  const node = join(clone.dir, "node_modules", ".bin", "node");
  const git = (...words: string[]) => clone.run("git", words);
  await git("init", "--quiet");
  await git("add", "--all");
  await git("-c", "user.name=n", "-c", "user.email=n@example.org", "commit", "--quiet", "--message", "all");
  const stackFile = join(clone.dir, "Pulumi.dev.yaml");
  const committed = readFileSync(stackFile, "utf8");

  await t.test("the quickstart says what it lacks, and what to do instead", async () => {
    const { code, stdout, stderr } = await clone.run(node, ["scripts/setup.mjs", "--for", "quickstart"]);
    assert.equal(code, 1);
    assert.match(stderr, /needs root/);
    assert.match(stderr, /npm run setup/);
    assert.match(stderr, /npm run -s shellenv/);
    assert.equal(stdout, "");
  });
  await t.test("the shell's environment asks for set-up first", async () => {
    const { code, stdout, stderr } = await clone.run(node, ["scripts/shellenv.mjs"]);
    assert.equal(code, 1);
    assert.equal(stdout, "");
    assert.match(stderr, /npm run setup/);
  });
  await t.test("two at once bring the toolchain, and say first what goes where", async () => {
    const both = await Promise.all([1, 2].map(() => clone.run(node, ["scripts/setup.mjs"])));
    for (const { code, stdout, stderr } of both) {
      assert.equal(code, 0, stdout + stderr);
      assert.match(stdout, /The toolchain is ready/);
    }
    const first = both.find(({ stdout }) => stdout.startsWith("Set-up brings"))?.stdout ?? ""; // the other may find all done
    assert.match(
      first,
      /^Set-up brings what is missing:\n- Pulumi CLI: .* \(.*\.cache\/vast-training\/.*\n- .*plugins, 140 MB/,
    );
    assert.equal(readlinkSync(join(clone.dir, "node_modules", ".bin", "vast-run")), "../../cli/vast-run");
  });
  await t.test("another one has nothing to do", async () => {
    const { stdout } = await clone.run(node, ["scripts/setup.mjs"]);
    assert.match(
      stdout,
      /^The toolchain is ready: .*stand-in plugins.* Next, in your shell: eval "\$\(npm run -s shellenv\)"\n$/,
    );
  });
  await t.test("the shell gets pulumi, a private backend and a stack to preview", async () => {
    const script = `
      eval "$(node_modules/.bin/node scripts/shellenv.mjs)"
      command -v pulumi; command -v vast-run
      echo "$PULUMI_CONFIG_PASSPHRASE_FILE"
      pulumi stack ls --json
      pulumi preview -s dev --non-interactive`;
    const { stdout, stderr } = await clone.run("sh", ["-c", script]);
    const [pulumi, vastRun, passphrase = ""] = stdout.split("\n");
    assert.equal(pulumi, join(clone.dir, "node_modules", ".bin", "pulumi"), stderr);
    assert.equal(vastRun, join(clone.dir, "node_modules", ".bin", "vast-run"));
    assert.equal(statSync(passphrase).mode & 0o777, 0o600);
    assert.equal(statSync(dirname(passphrase)).mode & 0o777, 0o700);
    assert.match(stdout, /"name": "dev",\s+"current": true/);
    assert.match(stdout, /Previewing update \(dev\)/);
  });
  await t.test("git sees no change, although Pulumi has written its salt", async () => {
    assert.equal((await git("status", "--porcelain")).stdout, "", (await git("diff")).stdout);
    const now = readFileSync(stackFile, "utf8");
    assert.match(now, /^encryptionsalt: /m);
    assert.equal(now.replace(/^encryptionsalt: .*\n/m, ""), committed);
  });
  await t.test("a salt that belongs to secrets is a change", async () => {
    await clone.run("sh", ["-c", "echo '  vast-training:x: {secure: abc}' >> Pulumi.dev.yaml"]);
    assert.match((await git("diff")).stdout, /^\+encryptionsalt:/m);
  });
});
