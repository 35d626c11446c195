import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { Forward } from "../../../simulator/hosts/forward.ts";
import type { Link } from "../../../simulator/hosts/index.ts";
import { needsRoot, openScene, run, sshOptions } from "../../support/hosts.ts";

/** A forward to a server that sends back what it gets. */
async function echo(t: TestContext): Promise<Forward> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {});
    socket.pipe(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const forward = await Forward.to((server.address() as AddressInfo).port);
  t.after(async () => {
    await forward.end();
    server.close();
  });
  return forward;
}

function client(t: TestContext, port: number): Socket {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  t.after(() => socket.destroy());
  return socket;
}

/** What comes back for a word, or how it ends. */
async function answer(t: TestContext, forward: Forward): Promise<string> {
  const socket = client(t, forward.port);
  let text = "";
  socket.on("data", (chunk) => {
    text += chunk;
  });
  socket.on("error", (error: NodeJS.ErrnoException) => {
    text = String(error.code);
  });
  socket.end("hello");
  if (!socket.closed) await new Promise((done) => socket.once("close", done));
  return text;
}

test("closed at first, then as told, on the same port", async (t) => {
  const forward = await echo(t);
  const { port } = forward;
  assert.equal(await answer(t, forward), "ECONNREFUSED");
  await forward.set("open");
  assert.equal(await answer(t, forward), "hello");
  await forward.set("closed");
  assert.equal(await answer(t, forward), "ECONNREFUSED");
  await forward.set("drop");
  assert.match(await answer(t, forward), /^(|ECONNRESET|EPIPE)$/);
  await forward.set("open");
  assert.equal(await answer(t, forward), "hello");
  assert.equal(forward.port, port);
});

test("a change cuts the connections that are open", async (t) => {
  for (const link of ["closed", "drop", "blackhole"] as Link[]) {
    const forward = await echo(t);
    await forward.set("open");
    const socket = client(t, forward.port);
    socket.on("error", () => {});
    socket.write("hello");
    await once(socket, "data");
    const end = once(socket, "close");
    socket.resume().once("end", () => socket.destroy());
    await forward.set(link);
    await end;
  }
});

test("a forward that leads nowhere closes at once", async (t) => {
  const nowhere = await Forward.to(1);
  t.after(() => nowhere.end());
  await nowhere.set("open");
  assert.match(await answer(t, nowhere), /^(|ECONNRESET|EPIPE)$/);
});

test("ssh sees each link as what it is, and each port for itself", needsRoot, async (t) => {
  const { key, machine } = await openScene(t);
  const host = await machine();
  /** Only what never answers is given up early: a busy machine may take seconds for a login. */
  const words = async (port: number, patience = 100) => {
    const options = [...sshOptions(key), "-o", `ConnectTimeout=${patience}`, "-p", String(port)];
    return (await run("ssh", [...options, "root@127.0.0.1", "echo fine"])).stderr;
  };
  const seen: [Link, RegExp][] = [
    ["closed", /Connection refused/],
    ["drop", /Connection closed by|Connection reset by/],
    ["blackhole", /timed out/],
    ["open", /^$/],
  ];
  for (const [link, pattern] of seen) {
    await host.setLink("direct", link);
    assert.match(await words(host.directPort, link === "blackhole" ? 1 : undefined), pattern);
    assert.equal(await words(host.proxyPort), "");
  }
  await host.setLink("proxy", "closed");
  assert.match(await words(host.proxyPort), /refused/);
  assert.equal(await words(host.directPort), "");
});
