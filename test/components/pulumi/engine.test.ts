import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { engineAlive, progress, say, watchEngine } from "../../../components/pulumi/engine.ts";
import { fakeEngine } from "../../support/fake-engine.ts";

/** For this test, this process is a provider of that engine. */
function startedBy(t: TestContext, address: string): void {
  process.argv.push(address);
  t.after(() => void process.argv.splice(process.argv.indexOf(address), 1));
}

test("a line stays on the resource's row, progress does not, and both are printable", async (t) => {
  const engine = await fakeEngine(t);
  startedBy(t, engine.address);
  await say("urn:a", "rented \u001b[31mred\u001b[0m\nnext");
  progress("urn:a", "2/6 image pull, 41 s");
  await say("urn:b", "done");
  assert.deepEqual(
    engine.logged.filter(({ ephemeral }) => !ephemeral).map(({ urn, text }) => [urn, text]),
    [
      ["urn:a", "rented red next"],
      ["urn:b", "done"],
    ],
  );
  assert.ok(engine.logged.some(({ text, ephemeral }) => ephemeral && text === "2/6 image pull, 41 s"));
});

test("what cannot be shown is no error", async (t) => {
  await say("urn:a", "nobody's provider");
  progress(undefined, "no row");
  const engine = await fakeEngine(t);
  startedBy(t, engine.address);
  await say(undefined, "no row");
  engine.kill();
  await say("urn:a", "nobody there");
  progress("urn:a", "nobody there");
  assert.deepEqual(engine.logged, []);
});

/** The address of that engine on a machine that is held up: nobody there reads until it is let go. */
async function heldUp(t: TestContext, engine: string) {
  const { promise, resolve: letGo } = Promise.withResolvers<void>();
  const open: Socket[] = [];
  const server = createServer({ pauseOnConnect: true }, async (socket) => {
    open.push(socket.on("error", () => {}));
    await promise;
    const there = connect(Number(engine.split(":")[1]), "127.0.0.1").on("error", () => {});
    open.push(there);
    socket.pipe(there).pipe(socket);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  t.after(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, letGo };
}

test("a line that an engine takes late is waited for no longer than seconds, and lost on no row", async (t) => {
  const engine = await fakeEngine(t);
  const { address, letGo } = await heldUp(t, engine.address);
  startedBy(t, address);
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const said = say("urn:a", "rented");
  t.mock.timers.tick(2000);
  await said;
  t.mock.timers.reset();
  assert.deepEqual(engine.logged, []);
  letGo();
  while (engine.logged.length === 0) await setImmediate();
  assert.deepEqual(engine.logged, [{ urn: "urn:a", text: "rented", ephemeral: false }]);
});

test("an engine is there until nothing listens at its address", async (t) => {
  const engine = await fakeEngine(t);
  assert.equal(await engineAlive(engine.address), true);
  assert.equal(await engineAlive(undefined), true, "no engine, none to lose");
  const watch = watchEngine(engine.address);
  t.after(() => watch.stop());
  assert.equal(await watch.alive(), true);
  assert.equal(watch.signal.aborted, false);
  engine.kill();
  if (!watch.signal.aborted) await once(watch.signal, "abort");
  assert.equal(await engineAlive(engine.address), false);
});

test("asking notices at once that the engine is gone", async (t) => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = `127.0.0.1:${(server.address() as { port: number }).port}`;
  const watch = watchEngine(address);
  t.after(() => watch.stop());
  server.close();
  await once(server, "close");
  assert.equal(await watch.alive(), false);
  assert.equal(watch.signal.aborted, true);
});
