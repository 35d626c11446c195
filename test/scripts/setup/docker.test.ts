import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { projectDir } from "../../../scripts/lib/workspace.ts";

const cannotMount = spawnSync("unshare", ["-m", "true"]).status !== 0 && "needs root on Linux";

/** Set-up's Docker step on a machine with these programs alone, and an empty /usr/sbin. */
function machine(t: TestContext, programs: Record<string, string>) {
  const root = mkdtempSync(join(tmpdir(), "vast-setup-docker-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const [sbin, bin, log] = [join(root, "sbin"), join(root, "bin"), join(root, "log")];
  for (const folder of [sbin, bin]) mkdirSync(folder);
  writeFileSync(log, "");
  for (const [name, text] of Object.entries(programs)) {
    writeFileSync(join(bin, name), `#!/bin/sh\necho "${name} $*" >> ${log}\n${text}\n`, { mode: 0o755 });
  }
  const step = join(projectDir, "scripts", "setup", "docker.mjs");
  const code = `import { dockerEngine } from ${JSON.stringify(step)};
    const step = dockerEngine({ refresh: false });
    console.log("ready", step.ready());
    if (!step.ready()) await step.run();
    console.log("ready", step.ready());`;
  const script = `mount --bind ${sbin} /usr/sbin && PATH=${bin} exec "$@"`;
  const words = ["-m", "sh", "-c", script, "sh", process.execPath, "--input-type=module", "--eval", code];
  const env = { ...process.env, XDG_CACHE_HOME: join(root, "cache") };
  return {
    run: () => execFileSync("unshare", words, { env, encoding: "utf8", stdio: "pipe" }),
    log: () => readFileSync(log, "utf8").trim().split("\n"),
  };
}

test("an engine is installed, and its services are not started later either", { skip: cannotMount }, (t) => {
  const { run, log } = machine(t, { "apt-get": "", systemctl: "", ip: "" });
  assert.match(run(), /^ready false\n {2}docker\.io, docker-registry\n/);
  assert.deepEqual(log(), [
    "apt-get -q install --yes --no-install-recommends docker.io docker-registry",
    "systemctl disable docker.service docker.socket containerd.service",
    "systemctl disable docker-registry.service",
  ]);
});

test("an engine that cannot be installed is said once, and stops nothing", { skip: cannotMount }, (t) => {
  const { run, log } = machine(t, { "apt-get": "exit 100", docker: "", dockerd: "", ip: "" });
  assert.match(run(), /^ready false\n.*No Docker engine, so the tests that need one are skipped\. .*ready true\n$/s);
  assert.equal(log().length, 3);
  assert.equal(run(), "ready true\nready true\n");
});

test("where there is no apt nothing is tried", { skip: cannotMount }, (t) => {
  assert.equal(machine(t, {}).run(), "ready true\nready true\n");
});
