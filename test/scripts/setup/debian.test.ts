import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { projectDir } from "../../../scripts/lib/workspace.ts";

const cannotMount = spawnSync("unshare", ["-m", "true"]).status !== 0 && "needs root on Linux";

/** Set-up's Debian step with an apt-get of ours, and a /usr/sbin of its own in a mount namespace. */
function machine(t: TestContext, aptGet: string) {
  const root = mkdtempSync(join(tmpdir(), "vast-debian-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const [sbin, bin, log] = [join(root, "sbin"), join(root, "bin"), join(root, "log")];
  for (const folder of [sbin, bin]) mkdirSync(folder);
  writeFileSync(log, "");
  const program = (folder: string, name: string, text: string) =>
    writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  const policy = "/usr/sbin/policy-rc.d ssh start";
  program(bin, "dpkg-query", "exit 1");
  program(bin, "apt-get", `${aptGet.replace("ASK", `${policy}; echo "start: $?" >> ${log}`)}`);
  program(bin, "systemctl", `echo "systemctl $*" >> ${log}`);
  const step = join(projectDir, "scripts", "setup", "debian.mjs");
  const code = `import { debianPackages } from ${JSON.stringify(step)};
    await debianPackages.run().catch((error) => { console.log(error.message); process.exitCode = 1; });`;
  const script = `mount --bind ${sbin} /usr/sbin && { "$@"; ${policy} 2>/dev/null; echo "later: $?" >> ${log}; }`;
  const run = () =>
    execFileSync("unshare", ["-m", "sh", "-c", script, "sh", process.execPath, "--input-type=module", "--eval", code], {
      env: { ...process.env, PATH: `${bin}:${process.env.PATH}` },
      encoding: "utf8",
      stdio: "pipe",
    });
  return {
    run,
    log: () => readFileSync(log, "utf8").trim().split("\n"),
    allow: (exitCode: number) => program(sbin, "policy-rc.d", `exit ${exitCode}`),
    sbin: () => readdirSync(sbin),
  };
}

test("services may not start while packages are installed, and nothing of that stays", { skip: cannotMount }, (t) => {
  const { run, log, sbin } = machine(t, "ASK");
  run();
  const [during, disabled, after] = log();
  assert.equal(during, "start: 101");
  assert.equal(disabled, "systemctl disable ssh.service ssh.socket");
  assert.equal(after, "later: 127", "no policy file any more");
  assert.deepEqual(sbin(), []);
});

test("a set-up that is killed leaves a policy that allows and removes itself", { skip: cannotMount }, (t) => {
  const { run, log, sbin } = machine(t, "ASK\nkill -KILL $PPID");
  run();
  assert.deepEqual(log(), ["start: 101", "later: 0"]);
  assert.deepEqual(sbin(), []);
});

test("a policy of the user's stays: one that forbids is enough, one that allows is an error", {
  skip: cannotMount,
}, (t) => {
  const strict = machine(t, "ASK");
  strict.allow(101);
  strict.run();
  assert.deepEqual([strict.log()[0], strict.sbin()], ["start: 101", ["policy-rc.d"]]);
  const open = machine(t, "ASK");
  open.allow(0);
  assert.match(open.run(), /policy-rc\.d lets services start\. By hand: /);
  assert.deepEqual([open.log(), open.sbin()], [["later: 0"], ["policy-rc.d"]]);
});
