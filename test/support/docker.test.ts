import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { processesWith } from "../../scripts/lib/traces.ts";
import { cgroupsByOwner, removeAbandonedCgroups, removeCgroups } from "./docker/cgroups.ts";
import { startEngine } from "./docker/engine.ts";
import { noDocker, openDocker } from "./docker.ts";

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "vdt-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test("an engine of a test's own builds, pushes with a login, and pulls by digest", { skip: noDocker }, async (t) => {
  const docker = await openDocker(t);
  await docker.importBase("base:1", {}, ["ENV COLOUR=red"]);
  const repository = `${docker.registry.address}/team/thing`;
  await docker.works(
    ["build", "--quiet", "--tag", `${repository}:1`, "-"],
    "FROM base:1\nRUN echo $COLOUR > /colour\n",
  );
  assert.match((await docker.run(["push", `${repository}:1`])).stderr, /no basic auth credentials|denied/);
  await docker.login();
  const digest = /sha256:[0-9a-f]{64}/.exec(await docker.works(["push", `${repository}:1`]))?.[0];
  await docker.works(["rmi", `${repository}:1`]);
  await docker.works(["pull", `${repository}@${digest}`]);
  assert.equal(await docker.works(["run", "--rm", `${repository}@${digest}`, "cat", "/colour"]), "red");
});

function cgroupsOf(pid: number): string[] {
  return cgroupsByOwner().flatMap(([owner, name]) => (owner === pid ? [name] : []));
}

/** A test file of its own that opens an engine and ends as it is told. */
async function outcome(t: TestContext, ending: string, whenOpen?: (pid: number) => void) {
  const folder = folderOf(t);
  const mark = `ENGINE_OF_TEST=${randomUUID()}`;
  const file = join(folder, "ends.test.ts");
  writeFileSync(
    file,
    `import { test } from "node:test";
     import { openDocker } from ${JSON.stringify(join(import.meta.dirname, "docker.ts"))};
     test("ends", async (t) => {
       const docker = await openDocker(t);
       await docker.importBase("base:1");
       await docker.works(["run", "--detach", "base:1", "sleep", "1000"]);
       console.log("open" + process.pid + "!");
       ${ending}
     });`,
  );
  const [name, value] = mark.split("=") as [string, string];
  const { NODE_TEST_CONTEXT: _inner, ...outer } = process.env;
  const child = spawn(process.execPath, ["--test-reporter=spec", file], {
    env: { ...outer, TMPDIR: folder, [name]: value },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  const pidOf = () => Number(/open(\d+)!/.exec(said)?.[1]);
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    const wasOpen = pidOf() > 0;
    said += text;
    if (!wasOpen && pidOf() > 0) whenOpen?.(pidOf());
  });
  await once(child, "close");
  return {
    said,
    processes: () => processesWith(mark),
    cgroups: () => cgroupsOf(pidOf()),
    files: () => readdirSync(folder).filter((found) => found !== "ends.test.ts"),
  };
}

test("nothing of an engine is left after a test that fails", { skip: noDocker }, async (t) => {
  const { said, processes, cgroups, files } = await outcome(t, 'throw new Error("as planned");');
  assert.match(said, /as planned/);
  assert.deepEqual([processes(), cgroups(), files()], [[], [], []]);
});

test("an engine's processes end with a test that is killed, and the next engine takes the rest", {
  skip: noDocker,
}, async (t) => {
  const { processes, cgroups } = await outcome(t, "await new Promise(() => setInterval(() => {}, 1000));", (pid) => {
    process.kill(pid, "SIGKILL");
  });
  while (processes().length > 0) await sleep(50);
  // What was in its containers is none of those, and may end after them.
  for (removeAbandonedCgroups(); cgroups().length > 0; removeAbandonedCgroups()) await sleep(50);
});

test("what a killed test left is removed by whoever is first, and not before its last process has ended", async (t) => {
  const name = `vast-training-test-${2 ** 22 + 1}-trial`; // no process has such a number
  const folder = makeCgroup(name);
  if (folder === undefined) return t.skip("no control group can be made");
  const inside = spawn("sleep", ["1000"], { stdio: "ignore" });
  t.after(async () => {
    inside.kill("SIGKILL");
    if (inside.exitCode === null && inside.signalCode === null) await once(inside, "exit");
    removeCgroups(name);
  });
  writeFileSync(join(folder, "below", "cgroup.procs"), String(inside.pid));
  removeAbandonedCgroups();
  assert.ok(existsSync(folder));
  inside.kill("SIGKILL");
  await once(inside, "exit");
  const words = ["--input-type=module-typescript", "--eval", REMOVE];
  await Promise.all([1, 2, 3, 4].map(() => promisify(execFile)(process.execPath, words)));
  assert.ok(!existsSync(folder));
});

const REMOVE = `import { removeAbandonedCgroups } from ${JSON.stringify(join(import.meta.dirname, "docker", "cgroups.ts"))};
  removeAbandonedCgroups();`;

/** One of this name with one below it, of those that count processes; undefined = none can be made. */
function makeCgroup(name: string): string | undefined {
  const places = ["/sys/fs/cgroup/pids", "/sys/fs/cgroup"];
  const hierarchy = places.find((place) => existsSync(join(place, "cgroup.procs")));
  if (hierarchy === undefined) return undefined;
  try {
    mkdirSync(join(hierarchy, name, "below"), { recursive: true });
    return join(hierarchy, name);
  } catch {
    return undefined; // it is not ours
  }
}

test("an engine that cannot start says why, and leaves nothing", { skip: noDocker }, async (t) => {
  const folder = join(folderOf(t), "a".repeat(120)); // no path of a socket is that long
  await assert.rejects(startEngine(folder, []), /dockerd|socket|unix/);
  assert.deepEqual(cgroupsOf(process.pid), []);
});
