import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type GateOrder, type GateWorld, passGate } from "../../../components/checkpoints/gate.ts";
import type { VastClient } from "../../../components/vast/client.ts";
import { vastError } from "../../../components/vast/errors.ts";
import { pinHostKey } from "../../../components/vast/ssh.ts";
import { instance } from "../vast/rows.ts";
import { freePort, needsRoot, sshd, temporaryHome } from "../vast/sshd.ts";

const ID = 31415926;

interface Scene extends GateWorld {
  readonly order: GateOrder;
  readonly heard: string[];
}

/** An instance whose sshd is real and whose row says what `changes` say. */
async function openScene(
  t: TestContext,
  changes: Record<string, unknown> = {},
  row: "there" | "gone" | "down" = "there",
) {
  const home = temporaryHome(t);
  const { port, hostKey } = await sshd(t, home.key.publicKey);
  const root = mkdtempSync(join(tmpdir(), "gate-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  pinHostKey(home.key.knownHostsFile, ID, hostKey);
  const ports = { "22/tcp": [{ HostIp: "0.0.0.0", HostPort: String(port) }] };
  const there = instance({ id: ID, public_ipaddr: "127.0.0.1", ports, ssh_host: null, ssh_port: null, ...changes });
  const client = {
    instance: async () => {
      if (row === "down") throw vastError("unreachable", "Vast does not answer");
      return row === "there" ? there : undefined;
    },
    instances: async () => (row === "there" ? [there] : []),
  } as unknown as VastClient;
  const order = {
    instanceId: ID,
    from: join(root, "machine"),
    to: join(root, "home", "local", String(ID)),
    stopGraceSeconds: 1,
    pricePerHour: 9,
    workspace: join(root, "workspace"),
  };
  mkdirSync(order.from);
  mkdirSync(order.workspace);
  writeFileSync(join(order.from, "step_1"), "one");
  const heard: string[] = [];
  return {
    order,
    connect: () => ({ client, key: home.key }),
    discard: undefined,
    progress: () => {},
    say: (text: string) => heard.push(text),
    patience: 1500,
    heard,
  };
}

const pass = (scene: Scene) => passGate(scene.order, scene);

/** It must refuse, in one text with everything a user needs. */
async function refuses(scene: Scene, why: RegExp, cost: RegExp): Promise<void> {
  await assert.rejects(pass(scene), ({ message }: Error) => {
    assert.match(message, why);
    assert.match(message, cost);
    assert.match(message, new RegExp(`VAST_DISCARD_CHECKPOINTS=${ID}`));
    assert.ok(message.includes(scene.order.from), "what would be lost");
    assert.doesNotMatch(message, /\n/);
    return true;
  });
}

test("checkpoints are home when the gate opens, and a second time changes nothing", needsRoot, async (t) => {
  const scene = await openScene(t);
  for (let time = 0; time < 2; time++) await pass(scene);
  assert.equal(readFileSync(join(scene.order.to, "step_1"), "utf8"), "one");
  assert.ok(
    scene.heard.some((text) => /^1 file, 3 bytes, verified/.test(text)),
    scene.heard.join("\n"),
  );
});

test("the gate opens when there is nothing to save, or Vast says that the instance is gone", needsRoot, async (t) => {
  const empty = await openScene(t);
  rmSync(join(empty.order.from, "step_1"));
  await pass(empty);
  await pass(await openScene(t, {}, "gone"));
});

test("a stopped instance is kept, and costs its disk", needsRoot, async (t) => {
  const words = { actual_status: "exited", intended_status: "stopped", cur_state: "stopped", next_state: "stopped" };
  await refuses(await openScene(t, words), /stopped/, /\$0\.042\/h for its disk/);
});

test("an instance that does not answer is kept, with the price it has now", needsRoot, async (t) => {
  const ports = { "22/tcp": [{ HostIp: "0.0.0.0", HostPort: String(await freePort()) }] };
  await refuses(await openScene(t, { ports }), /no login/, /\$1\.842\/h/);
});

test("when Vast cannot be asked nothing is concluded, and the rented price is told", needsRoot, async (t) => {
  const scene = await openScene(t, {}, "down");
  await refuses(scene, /Vast does not answer|no login/, /\$9\.000\/h/);
});

test("a folder that cannot be made is found before training is stopped", needsRoot, async (t) => {
  const scene = await openScene(t);
  writeFileSync(join(scene.order.from, "..", "home"), "a file");
  await refuses(scene, /cannot be written/, /\$1\.842\/h/);
  assert.deepEqual(scene.heard, []);
});

test("only the id of this very instance gives its checkpoints up", needsRoot, async (t) => {
  const scene = await openScene(t, {}, "down");
  await refuses({ ...scene, discard: "1" }, /./, /./);
  await pass({ ...scene, discard: String(ID) });
  assert.equal(existsSync(join(scene.order.to, "step_1")), false);
});
