import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
import { asker } from "../support/simulator.ts";

const MAIN = join(import.meta.dirname, "../../simulator/main.ts");

interface Running {
  readonly child: ChildProcess;
  readonly url: string;
  readonly apiKey: string;
  readonly pid: number;
  readonly stdout: string[];
  readonly stderr: string[];
}

function stateDirectory(t: TestContext): string {
  const home = mkdtempSync(join(tmpdir(), "simulator-main-"));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  return home;
}

function launch(t: TestContext, home: string, ...args: string[]): ChildProcess {
  const env = { ...process.env, VAST_TRAINING_HOME: home };
  const child = spawn(process.execPath, [MAIN, "--no-hosts", ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
  t.after(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  });
  return child;
}

async function start(t: TestContext, home: string, ...args: string[]): Promise<Running> {
  const child = launch(t, home, ...args);
  assert.ok(child.stdout && child.stderr);
  const stdout: string[] = [];
  const stderr: string[] = [];
  createInterface(child.stderr).on("line", (line) => stderr.push(line));
  const lines = createInterface(child.stdout).on("line", (line) => stdout.push(line));
  await Promise.race([once(lines, "line"), once(child, "close")]);
  assert.equal(stdout.length, 1, stderr.join("\n"));
  return { child, stdout, stderr, ...JSON.parse(stdout[0] ?? "") };
}

/** The exit code; everything that it has said has been read by then. */
async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  const close = once(child, "close");
  child.kill(signal);
  const [code] = await close;
  return code;
}

test("it prints one line, writes the runtime file, logs requests, and leaves nothing at its end", async (t) => {
  const home = stateDirectory(t);
  const { child, url, apiKey, pid, stdout, stderr } = await start(t, home, "--seed", "7");
  assert.equal(pid, child.pid);
  const runtimeFile = join(home, "simulator", "runtime.json");
  const runtime = JSON.parse(readFileSync(runtimeFile, "utf8"));
  assert.deepEqual(runtime, {
    url,
    apiKeyFile: join(home, "simulator", "api_key"),
    pid,
    repos: { "tiny-train": `${url}/git/tiny-train` },
  });
  assert.equal(readFileSync(runtime.apiKeyFile, "utf8").trim(), apiKey);
  assert.equal(statSync(runtime.apiKeyFile).mode & 0o777, 0o600);
  assert.equal((await asker({ url, apiKey })("GET", "/api/v0/users/current/")).status, 200);
  assert.equal(await end(child, "SIGTERM"), 0);
  assert.ok(!existsSync(runtimeFile));
  assert.equal(stdout.length, 1);
  const log = stderr.join("\n");
  assert.match(log, /pulumi up -s local/);
  assert.match(log, /VAST_URL=http:\/\/127\.0\.0\.1:\d+ vastai --api-key/);
  assert.match(log, /200 +GET +\/api\/v0\/users\/current\//);
  assert.match(log, /ending: 0 machines/);
  assert.ok(!log.includes(apiKey), "the key is in its file and on stdout only");
});

test("a second one on the same home is refused in a sentence; ^C makes room", async (t) => {
  const home = stateDirectory(t);
  const first = await start(t, home);
  const second = launch(t, home);
  let said = "";
  second.stderr?.on("data", (chunk) => {
    said += chunk;
  });
  const [code] = await once(second, "close");
  assert.equal(code, 1);
  assert.match(said, new RegExp(`^A simulator \\(process ${first.pid}\\) already serves .*\\.\n$`));
  assert.ok(existsSync(join(home, "simulator", "runtime.json")), "the first one is untouched");
  assert.equal(await end(first.child, "SIGINT"), 0);
  const third = await start(t, home);
  assert.equal(await end(third.child, "SIGHUP"), 0);
});

test("killed hard it leaves its files, and the next one takes over", async (t) => {
  const home = stateDirectory(t);
  const first = await start(t, home);
  await end(first.child, "SIGKILL");
  const file = join(home, "simulator", "runtime.json");
  assert.equal(JSON.parse(readFileSync(file, "utf8")).pid, first.pid);
  const second = await start(t, home);
  assert.equal(JSON.parse(readFileSync(file, "utf8")).pid, second.pid);
  assert.equal(await end(second.child, "SIGTERM"), 0);
});

test("the port can be chosen, and one that is taken is an error", async (t) => {
  const first = await start(t, stateDirectory(t));
  const { port } = new URL(first.url);
  const child = launch(t, stateDirectory(t), "--port", port);
  let said = "";
  child.stderr?.on("data", (chunk) => {
    said += chunk;
  });
  assert.deepEqual(await once(child, "close"), [1, null]);
  assert.match(said, new RegExp(`^Port ${port} of 127.0.0.1 is taken`));
  assert.equal(said.trim().split("\n").length, 1);
  await end(first.child, "SIGTERM");
});

test("help, and options that are none", async (t) => {
  const home = stateDirectory(t);
  const help = launch(t, home, "--help");
  let text = "";
  help.stdout?.on("data", (chunk) => {
    text += chunk;
  });
  assert.deepEqual(await once(help, "close"), [0, null]);
  assert.match(text, /npm run -s simulator/);
  for (const args of [["--nonsense"], ["--port", "many"], ["--timing", "nap=1"], ["--timing", "load"]])
    assert.deepEqual(await once(launch(t, home, ...args), "exit"), [1, null]);
});

test("the time of a step can be given", async (t) => {
  const clock = ["--hand-clock", "--no-pace", "--timing", "load=400", "--timing", "destroy=7"];
  const { child, url, apiKey } = await start(t, stateDirectory(t), ...clock);
  const ask = asker({ url, apiKey });
  const pass = (seconds: number) => ask("POST", "/_sim/clock", { advanceSeconds: seconds });
  const states = async () =>
    (await ask("GET", "/_sim/ledger")).body.contracts.map((line: { state: string }) => line.state);
  const { body } = await ask("POST", "/api/v0/bundles/", { num_gpus: { eq: 1 }, type: "on-demand" });
  const rented = await ask("PUT", `/api/v0/asks/${body.offers[0].id}/`, { image: "a/b", disk: 8 });
  await pass(300);
  assert.deepEqual(await states(), ["loading"]);
  await pass(200);
  assert.deepEqual(await states(), ["running"]);
  await ask("DELETE", `/api/v0/instances/${rented.body.new_contract}/`);
  await pass(6);
  assert.deepEqual(await states(), ["destroying"]);
  await pass(1);
  assert.deepEqual(await states(), ["gone"]);
  await end(child, "SIGTERM");
});

test("time can be turned by hand from another process", async (t) => {
  const { child, url, apiKey } = await start(t, stateDirectory(t), "--hand-clock", "--no-pace");
  const ask = asker({ url, apiKey });
  const { body } = await ask("POST", "/_sim/clock", { advanceSeconds: 3600 });
  assert.equal(body.ok, true);
  await end(child, "SIGTERM");
});
