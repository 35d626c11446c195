import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { type TestContext, test } from "node:test";
import { fuseText } from "../../../components/remote/fuse.ts";
import { SHOW_IN } from "../../../components/ssh/probe.ts";
import { onstartScript } from "../../../components/vast/ready/onstart.ts";
import { endAll, until } from "./box.ts";

const KEY = "canary0123456789";

interface Asked {
  readonly call: string;
  readonly key: string;
}

/** Vast as one machine may ask it; DELETE is refused where it is told so. */
async function openVast(t: TestContext, refused = false) {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => {
      const { method, url, headers } = request;
      asked.push({ call: `${method} ${url} ${body}`, key: headers.authorization ?? "" });
      const success = !(refused && method === "DELETE");
      response.writeHead(success ? 200 : 401).end(JSON.stringify({ success }).replace(":", ": "));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.closeAllConnections());
  t.after(() => server.close());
  return { asked, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

/** A machine whose time the test turns: each of its pauses ends when the test says so, and not before. */
async function openMachine(t: TestContext, { tools = ["curl", "wget", "python3"], refused = false } = {}) {
  const root = mkdtempSync(join(tmpdir(), "vast-fuse-"));
  const vast = await openVast(t, refused);
  t.after(() => {
    endAll(root);
    rmSync(root, { recursive: true, force: true });
  });
  const at = (path: string) => join(root, path);
  for (const folder of ["root", "workspace", "bin"]) mkdirSync(at(folder));
  writeFileSync(at("environ"), `CONTAINER_ID=77\0CONTAINER_API_KEY=${KEY}\0`);
  const setUptime = (text: string) => {
    writeFileSync(at("uptime.new"), text);
    renameSync(at("uptime.new"), at("uptime"));
  };
  let now = 0;
  const tick = () => {
    now += 15;
    setUptime(`${1e6 + now}.50 1.00\n`);
  };
  tick();
  // Nothing but what any image has, and the tools.
  const base = [
    "sh",
    "dash",
    "bash",
    "cat",
    "tr",
    "sed",
    "grep",
    "find",
    "head",
    "touch",
    "mkdir",
    "chmod",
    "chown",
    "rm",
  ];
  for (const tool of [...base, ...tools]) symlinkSync(which(tool), at(`bin/${tool}`));
  const [sleeps, wakes] = [at("sleeps"), at("wakes")];
  writeFileSync(
    at("bin/sleep"),
    `#!/bin/sh\n>${sleeps}; until [ -e ${wakes} ]; do /bin/sleep 0.02; done; rm -f ${sleeps}; rm -f ${wakes}\n`,
  );
  chmodSync(at("bin/sleep"), 0o755);
  const fuse = fuseText({ apiUrl: vast.url, minutes: 2, checkpointsDir: "/workspace/checkpoints" });
  const ours = (text: string) =>
    text
      .replaceAll("/root", at("root"))
      .replaceAll("/workspace", at("workspace"))
      .replace("/proc/1/environ", at("environ"))
      .replace("/proc/uptime", at("uptime"));
  const start = (shell = "bash") => {
    for (const file of [sleeps, wakes]) rmSync(file, { force: true });
    const script = ours(onstartScript(["ssh-ed25519 AAAA"], { fuse })).replace("-lt 60", "-lt 0");
    const env = { PATH: at("bin") };
    const child = spawn(at(`bin/${shell}`), ["-s"], { env, detached: true, stdio: ["pipe", "ignore", "inherit"] });
    child.stdin?.end(script);
    return child;
  };
  const powerOff = () => endAll(root);
  const counted = () =>
    existsSync(at("root/.vast-training-fuse")) ? readFileSync(at("root/.vast-training-fuse"), "utf8") : "";
  const used = () => Number(counted()) || 0;
  const says = () => `it has counted ${counted().trim()} s`;
  const asleep = () => until(() => existsSync(sleeps) && !existsSync(wakes), says);
  /** Ends the pause it is in, and resolves when it has counted that. */
  const wake = async () => {
    const before = counted();
    writeFileSync(wakes, "");
    await until(() => !["", before].includes(counted()), says);
  };
  /** Lets time pass until it has counted so many seconds in all. */
  const pass = async (enough: number) => {
    while (used() < enough) {
      await asleep();
      tick();
      await wake();
    }
  };
  /** Resolves when nothing that it has begun runs any more. */
  const ended = ({ pid = 0 }: ChildProcess) => {
    writeFileSync(wakes, "");
    return until(
      () => !isThere(-pid),
      () => "something of it runs on",
    );
  };
  const login = () => execFileSync("sh", ["-c", SHOW_IN], { env: { ...process.env, HOME: at("root") } });
  return { ...vast, at, start, ended, powerOff, setUptime, asleep, wake, pass, used, login };
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Itself, and not what stands for it on a machine with several. */
function which(tool: string): string {
  if (tool === "python3")
    return execFileSync(tool, ["-c", "import sys; print(sys.executable)"], { encoding: "utf8" }).trim();
  const folder = (process.env.PATH ?? "").split(delimiter).find((one) => existsSync(join(one, tool)));
  assert.ok(folder !== undefined, `${tool} is needed`);
  return join(folder, tool);
}

const DELETE = "DELETE /api/v0/instances/77/ {}";
const STOP = 'PUT /api/v0/instances/77/ {"state":"stopped"}';

/** The first call, once it was made. */
async function firstCall({ asked }: { readonly asked: readonly Asked[] }): Promise<string> {
  await until(
    () => asked.length > 0,
    () => "Vast is not asked",
  );
  assert.equal(asked[0]?.key, `Bearer ${KEY}`);
  return asked[0]?.call ?? "";
}

for (const tool of ["curl", "wget", "python3"])
  for (const shell of ["bash", "dash"])
    test(`when nobody comes the machine ends itself, by ${tool} and ${shell}`, async (t) => {
      const machine = await openMachine(t, { tools: [tool] });
      machine.start(shell);
      await machine.pass(90);
      assert.deepEqual(machine.asked, []);
      await machine.pass(120);
      assert.equal(await firstCall(machine), DELETE);
    });

test("where it may not delete itself it stops", async (t) => {
  const machine = await openMachine(t, { refused: true });
  machine.start();
  await machine.pass(120);
  assert.equal(await firstCall(machine), DELETE);
  await until(
    () => machine.asked.some(({ call }) => call === STOP),
    () => JSON.stringify(machine.asked),
  );
});

test("our first login calls it off, for this start and the next ones", async (t) => {
  const machine = await openMachine(t);
  const first = machine.start();
  await machine.pass(60);
  machine.login();
  await machine.ended(first);
  await machine.ended(machine.start());
  assert.deepEqual(machine.asked, []);
});

test("a login on a machine without a fuse leaves nothing there", async (t) => {
  const machine = await openMachine(t);
  machine.login();
  assert.ok(!existsSync(machine.at("root/.vast-training-in")));
});

test("all starts count together, and at any but the first it stops and never deletes", async (t) => {
  const machine = await openMachine(t);
  machine.start();
  await machine.pass(60);
  machine.powerOff();
  assert.equal(machine.used(), 60);
  machine.start();
  await machine.pass(120);
  assert.equal(await firstCall(machine), STOP);
  assert.ok(machine.asked.every(({ call }) => call === STOP));
});

const holding: [what: string, make: (at: (path: string) => string) => void][] = [
  ["our folder", (at) => mkdirSync(at("workspace/.vast-training"))],
  [
    "a file in the folder of checkpoints",
    (at) => {
      mkdirSync(at("workspace/checkpoints/run/deep"), { recursive: true });
      writeFileSync(at("workspace/checkpoints/run/deep/step_1"), "x");
    },
  ],
  [
    "a link that leads nowhere now",
    (at) => {
      mkdirSync(at("workspace/checkpoints"));
      symlinkSync("/volume/that/is/not/mounted", at("workspace/checkpoints/run1"));
    },
  ],
  ["a file in place of the folder", (at) => writeFileSync(at("workspace/checkpoints"), "x")],
];

for (const [what, make] of holding)
  test(`with ${what} on it, and no mark, it stops and never deletes`, async (t) => {
    const machine = await openMachine(t);
    make(machine.at);
    machine.start();
    await machine.pass(120);
    assert.equal(await firstCall(machine), STOP);
    assert.ok(machine.asked.every(({ call }) => call === STOP));
  });

test("an empty folder of checkpoints is nothing", async (t) => {
  const machine = await openMachine(t);
  mkdirSync(machine.at("workspace/checkpoints"));
  machine.start();
  await machine.pass(120);
  assert.equal(await firstCall(machine), DELETE);
});

test("where there is a guard, which looks after the machine, it does nothing", async (t) => {
  const machine = await openMachine(t);
  mkdirSync(machine.at("workspace/.vast-training"));
  writeFileSync(machine.at("workspace/.vast-training/guard.sh"), "");
  const child = machine.start();
  await machine.pass(120);
  await machine.ended(child);
  assert.deepEqual(machine.asked, []);
});

test("a clock that jumps, or a count that cannot be read, makes it neither early nor endless", async (t) => {
  const machine = await openMachine(t);
  writeFileSync(machine.at("root/.vast-training-fuse"), "rubbish\n");
  machine.start();
  for (const uptime of ["", "99999999.00 1.00\n", "1.00 1.00\n"]) {
    const before = machine.used();
    await machine.asleep();
    machine.setUptime(uptime);
    await machine.wake();
    assert.equal(machine.used() - before, 20, JSON.stringify(uptime));
  }
  assert.deepEqual(machine.asked, []);
  await machine.pass(120);
  assert.equal(await firstCall(machine), STOP);
});

test("the key is in no list of arguments", async (t) => {
  for (const tool of ["curl", "wget", "python3"]) {
    const machine = await openMachine(t, { tools: [] });
    writeFileSync(machine.at(`bin/${tool}`), `#!/bin/sh\nprintf '%s\\n' "$@" >>${machine.at("words")}\n`);
    chmodSync(machine.at(`bin/${tool}`), 0o755);
    machine.start();
    await machine.pass(120);
    // The address comes last, so all words are there once it is.
    const words = () => (existsSync(machine.at("words")) ? readFileSync(machine.at("words"), "utf8") : "");
    await until(
      () => /instances\/77/.test(words()),
      () => `${tool} is not called for the machine: ${words()}`,
    );
    assert.doesNotMatch(words(), /canary/);
  }
});
