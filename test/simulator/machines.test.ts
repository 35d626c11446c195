import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { startTime } from "../../scripts/lib/alive.ts";
import { asker, type Bench, type Body, findOffer, ORDER } from "../support/simulator.ts";

const run = promisify(execFile);
const PROJECT = join(import.meta.dirname, "../..");

const unfit = process.platform !== "linux" || process.getuid?.() !== 0 ? "real machines need root on Linux" : false;

interface Command {
  readonly child: ChildProcess;
  /** The simulator's own process, below npm's. */
  readonly pid: number;
  readonly ask: Bench["ask"];
  readonly log: string[];
}

/** `npm run -s simulator`, as a user types it, in a process group of its own. */
async function npmRun(t: TestContext, home: string): Promise<Command> {
  const child = spawn("npm", ["run", "-s", "simulator"], {
    cwd: PROJECT,
    env: { ...process.env, VAST_TRAINING_HOME: home },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  t.after(async () => {
    if (child.exitCode === null && child.signalCode === null) await killHard(child);
  });
  const log: string[] = [];
  createInterface(child.stderr).on("line", (line) => log.push(line));
  const [line] = await Promise.race([
    once(createInterface(child.stdout), "line"),
    once(child, "exit").then(() => assert.fail(log.join("\n"))),
  ]);
  const said = JSON.parse(line);
  return { child, pid: said.pid, ask: asker(said), log };
}

/** npm and the simulator alike, as when a machine runs out of memory. */
async function killHard(child: ChildProcess): Promise<void> {
  assert.ok(child.pid);
  const exit = once(child, "exit");
  process.kill(-child.pid, "SIGKILL");
  await exit;
}

/** Vast's limit for reading an instance. */
const READ_MS = 2050;

/** Asks until the answer is as wanted. */
async function until<T>(ask: () => Promise<T | undefined>, pauseMs = 100): Promise<T> {
  for (;;) {
    const found = await ask();
    if (found !== undefined) return found;
    await new Promise((next) => setTimeout(next, pauseMs));
  }
}

async function rentMachine({ ask }: Command, publicKey: string): Promise<Body> {
  await ask("POST", "/api/v0/ssh/", { ssh_key: publicKey });
  const offer = await findOffer({ ask });
  const { body } = await ask("PUT", `/api/v0/asks/${offer.id}/`, { ...ORDER, price: offer.min_bid });
  return until(async () => {
    const { instances } = (await ask("GET", `/api/v0/instances/${body.new_contract}/`)).body;
    return instances?.ports ? instances : undefined;
  }, READ_MS);
}

/** true = nothing listens. */
function refused(port: number): Promise<true | undefined> {
  return new Promise((done) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      done(undefined);
    });
    socket.once("error", () => done(true));
  });
}

test("a machine can be logged into; killed hard with it, the simulator starts again and clears up", {
  skip: unfit,
}, async (t) => {
  const home = mkdtempSync(join(tmpdir(), "simulator-machines-"));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  const key = join(home, "key");
  await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]);

  const first = await npmRun(t, home);
  const machine = await rentMachine(first, readFileSync(`${key}.pub`, "utf8"));
  const direct = Number(machine.ports["22/tcp"][0].HostPort);
  const options = ["IdentitiesOnly=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "BatchMode=yes"];
  const login = ["-F", "none", ...options.flatMap((option) => ["-o", option]), "-i", key, "-p", String(direct)];
  const { stdout } = await until(() =>
    run("ssh", [...login, "root@127.0.0.1", "nvidia-smi -L"]).catch(() => undefined),
  );
  assert.match(stdout, /^GPU 0: NVIDIA H100 SXM/);

  await killHard(first.child);
  for (const port of [direct, machine.ssh_port]) await until(() => refused(port)); // its machines die with it
  await until(async () => startTime(first.pid) === undefined || undefined); // only npm's end was waited for

  const second = await npmRun(t, home);
  const left = readdirSync(join(home, "simulator", "hosts"));
  assert.ok(!left.includes(String(machine.id)), `left: ${left}`);
  assert.equal((await second.ask("GET", "/_sim/ledger")).body.living, 0);
  const close = once(second.child, "close"); // everything that it has said has been read by then
  process.kill(-(second.child.pid ?? 0), "SIGINT");
  await close;
  assert.match(second.log.join("\n"), /ending: 0 machines/);
});
