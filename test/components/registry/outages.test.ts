import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { isRegistryError } from "../../../components/registry/errors.ts";
import { Outages } from "../../../components/registry/outages.ts";
import { findDigest, inspectImage } from "../../../components/registry/registry.ts";
import { openServer } from "./hub.ts";

const pause = async () => {};

/** A folder of notes, a clock to turn, and what another process on this machine, or elsewhere, makes of it. */
function open(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), "vast-outages-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const time = { now: Date.UTC(2026, 0, 1) };
  const notes = (boot = "this start") =>
    new Outages(folder, { now: () => time.now, boot: () => ({ id: boot, uptime: time.now }) });
  return { folder, time, notes };
}

async function unreachable(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => assert.fail("it was reached"),
    (thrown: unknown) => thrown,
  );
  assert.ok(isRegistryError(error, "unreachable"), String(error));
  return error.message;
}

test("a registry that did not answer is asked once in ten minutes, by whatever process of this machine", async (t) => {
  const { folder, time, notes } = open(t);
  let status = 503;
  const { address, seen } = await openServer(t, () => [status]);
  const ask = (outages = notes()) => findDigest(`${address}/a`, { pause, outages });

  assert.match(await unreachable(ask()), /does not answer \(.*: status 503\)/);
  const asked = seen.length;
  const said = await unreachable(ask());
  assert.match(said, /could not be reached at \d\d:\d\d \(status 503\), and is not asked again until \d\d:\d\d, or /);
  assert.ok(said.includes(join(folder, readdirSync(folder)[0] ?? "?")), said);
  assert.equal(seen.length, asked, "nothing was sent");
  await unreachable(ask(notes("another machine's")));
  assert.ok(seen.length > asked, "another machine may reach it");

  const before = seen.length;
  await unreachable(findDigest(`${address}/a`, { pause }));
  assert.ok(seen.length > before, "a build asks all the same");

  status = 404;
  await unreachable(ask(notes("another machine's")));
  time.now += 600_000;
  assert.equal(await ask(notes("another machine's")), undefined);
  assert.deepEqual(readdirSync(folder), [], "an answer ends the note");
  status = 503;
  await unreachable(ask());
  time.now -= 60_000;
  status = 404;
  assert.equal(await ask(), undefined, "a note of the future tells nothing");
});

test("a note that is no note, or a folder that cannot be written to, changes nothing", async (t) => {
  const { folder, notes } = open(t);
  const { address, seen } = await openServer(t, () => [503]);
  const file = join(folder, `${encodeURIComponent(address)}.unreachable`);
  for (const text of ["", "{", "null", '{"at":"now"}', '{"at":1e99,"reason":""}']) {
    writeFileSync(file, text);
    const before = seen.length;
    await unreachable(findDigest(`${address}/a`, { pause, outages: notes() }));
    assert.ok(seen.length > before, text);
  }
  writeFileSync(join(folder, "file"), "");
  const nowhere = new Outages(join(folder, "file", "below"));
  assert.match(await unreachable(findDigest(`${address}/a`, { pause, outages: nowhere })), /status 503/);
});

test("a check gives a registry seconds: one that refuses, one that accepts and says nothing, one whose login page does", {
  timeout: 50_000,
}, async (t) => {
  const { notes } = open(t);
  const silent = createServer();
  await once(silent.listen(0, "127.0.0.1"), "listening");
  const sockets = new Set<{ destroy(): void }>();
  silent.on("connection", (socket) => sockets.add(socket.on("error", () => {})));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    silent.close();
  });
  const mute = `127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const behind = await openServer(t, () => [401, { "WWW-Authenticate": `Bearer realm="http://${mute}/token"` }]);
  const [refused, dropped, login] = await Promise.all([
    unreachable(inspectImage("127.0.0.1:1/a", { outages: notes() })),
    unreachable(inspectImage(`${mute}/a`, { outages: notes() })),
    unreachable(inspectImage(`${behind.address}/a`, { outages: notes() })),
  ]);
  assert.match(refused, /127\.0\.0\.1:1: ECONNREFUSED/);
  assert.match(dropped, /no answer within 3 s/);
  assert.match(login, /no answer within 3 s/);
  assert.equal(sockets.size, 2, "a second attempt has no time left");
  assert.match(await unreachable(inspectImage(`${behind.address}/a`, { outages: notes() })), /not asked again/);
  assert.equal(behind.seen.length, 1, "it is of no use without its login page");
});
