import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { credentials, Server, ServerCredentials } from "@grpc/grpc-js";
import provider from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import { whenCancelled } from "../../../components/pulumi/endings.ts";
import { projectDir } from "../../../scripts/lib/workspace.ts";
import { type FakeEngine, fakeEngine } from "../../support/fake-engine.ts";

/** A process that has done nothing but load a provider, and what it says. */
async function startFixture(t: TestContext, what: "busy" | "idle", { address }: FakeEngine) {
  const fixture = join(import.meta.dirname, "endings.fixture.ts");
  const child = spawn(process.execPath, [fixture, what, address], { stdio: ["ignore", "pipe", "inherit"] });
  const exit = once(child, "exit") as Promise<[code: number | null, signal: string | null]>;
  t.after(async () => {
    child.kill("SIGKILL");
    await exit;
  });
  const lines = createInterface({ input: child.stdout });
  const said: string[] = [];
  lines.on("line", (line) => said.push(line));
  const end = Promise.all([exit, once(lines, "close")]).then(([[code, signal]]) => ({ code, signal, said }));
  await once(lines, "line");
  return { child, end };
}

test("a provider ends with its engine, when nothing is under way", async (t) => {
  const engine = await fakeEngine(t);
  const { end } = await startFixture(t, "idle", engine);
  engine.kill();
  assert.deepEqual(await end, { code: 0, signal: null, said: ["idle"] });
});

for (const [name, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const) {
  test(`${name} ends a provider at once, and it says its last words`, async (t) => {
    const engine = await fakeEngine(t);
    const { child, end } = await startFixture(t, "busy", engine);
    child.kill(name);
    assert.deepEqual(await end, { code, signal: null, said: ["busy", "last words of nobody", "last words"] });
  });
}

test("in the midst of nothing there are no last words: Pulumi ends every command so", async (t) => {
  const engine = await fakeEngine(t);
  const { child, end } = await startFixture(t, "idle", engine);
  child.kill("SIGINT");
  assert.deepEqual(await end, { code: 130, signal: null, said: ["idle"] });
});

test("none of the providers can forget it: each is made by lifecycle()", () => {
  const { exports } = JSON.parse(readFileSync(join(projectDir, "package.json"), "utf8"));
  const files = Object.values(exports) as string[];
  assert.equal(files.length, 10);
  for (const file of files)
    assert.match(readFileSync(join(projectDir, file), "utf8"), /^export const provider = lifecycle\(/m, file);
});

test("the first ^C is heard once, and only while somebody listens", async (t) => {
  const server = new Server();
  server.addService(provider.ResourceProviderService, { cancel: answer, getPluginInfo: answer });
  const bind = promisify(server.bindAsync.bind(server)) as (...to: [string, ServerCredentials]) => Promise<number>;
  const port = await bind("127.0.0.1:0", ServerCredentials.createInsecure());
  t.after(() => server.forceShutdown());
  const engine = new provider.ResourceProviderClient(`127.0.0.1:${port}`, credentials.createInsecure());
  t.after(() => engine.close());
  const call = (name: "cancel" | "getPluginInfo") => promisify(engine[name].bind(engine))(new empty.Empty());
  let heard = 0;
  const stop = whenCancelled(() => heard++);
  await call("getPluginInfo").catch(() => {});
  assert.equal(heard, 0, "another call");
  await call("cancel");
  await call("cancel");
  assert.equal(heard, 1);
  stop();
  whenCancelled(() => heard++)();
  await call("cancel");
  assert.equal(heard, 1);
});

/** Answers a call as Pulumi's server for dynamic resources answers a cancel: with nothing. */
function answer(_call: unknown, done: (error: null, value: unknown) => void): void {
  done(null, new empty.Empty());
}
