import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type GateOrder, type GateWorld, passGate } from "../../../components/checkpoints/gate.ts";
import { noteRecord, recordOf, trainingMark } from "../../../components/checkpoints/store/record.ts";
import type { News } from "../../../components/events/event.ts";
import { pinHostKey } from "../../../components/ssh/known-hosts.ts";
import type { VastClient } from "../../../components/vast/client/client.ts";
import { vastError } from "../../../components/vast/client/errors.ts";
import { InstanceList } from "../../../components/vast/client/instance-list.ts";
import type { Offer } from "../../../components/vast/client/wire.ts";
import { Prices } from "../../../components/vast/market/prices.ts";
import type { Means } from "../../../components/vast/ready/means.ts";
import { instance, offer } from "../../support/rows.ts";
import { freePort, needsRoot, sshd, temporaryHome } from "../../support/sshd.ts";

const ID = 31415926;
const HASH = "0".repeat(64);
const MARK = trainingMark(HASH, "2026");
const STOPPED = { actual_status: "exited", intended_status: "stopped", cur_state: "stopped", next_state: "stopped" };
const RUNNING = {
  actual_status: "running",
  intended_status: "running",
  cur_state: "running",
  next_state: "running",
};

interface Scene extends GateWorld {
  readonly order: GateOrder;
  readonly heard: string[];
  /** What Vast was asked to do, in order. */
  readonly asked: string[];
  /** What a search on demand finds. */
  readonly onDemand: Offer[];
  /** Called before Vast carries out a start or stop. */
  answer: (state: string) => void;
  readonly gone: AbortController;
  readonly clock: { now: () => number };
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
  const up = { id: ID, public_ipaddr: "127.0.0.1", ports, ssh_host: null, ssh_port: null };
  let there = instance({ ...up, ...changes });
  const asked: string[] = [];
  const onDemand: Offer[] = [];
  const client = {
    jobs: async () => [],
    setState: async (_id: number, state: "running" | "stopped") => {
      asked.push(state);
      scene.answer(state);
      there = instance({ ...up, ...changes, ...(state === "running" ? RUNNING : STOPPED) });
    },
    keyFingerprint: (nonce: string) => `${nonce}:of the key`,
    account: async () => ({ id: "1", email: null, credit: 50 }),
    changeBid: async (_id: number, bid: number) => void asked.push(`bid ${bid}`),
    searchOffers: async () => onDemand,
    instance: async () => {
      if (row === "down") throw vastError("unreachable", "Vast does not answer");
      return row === "there" ? there : undefined;
    },
    instances: async () => (row === "there" ? [there] : []),
  } as unknown as VastClient;
  const order = {
    instanceId: ID,
    accountId: "1",
    keyFingerprint: "",
    from: join(root, "machine"),
    to: join(root, "home", "local", String(ID)),
    stopGraceSeconds: 1,
    pricePerHour: 9,
    workspace: join(root, "workspace"),
    training: MARK,
    rescueBudget: 1,
    begun: true,
  };
  mkdirSync(order.from);
  mkdirSync(join(order.workspace, ".vast-training"), { recursive: true });
  writeFileSync(join(order.from, "step_1"), "one");
  const heard: string[] = [];
  const times = [0];
  const clock = { now: () => times.shift() ?? times[0] ?? 0, sleep: async () => {} };
  const gone = new AbortController();
  mkdirSync(join(root, "prices"));
  const means = {
    client,
    prices: new Prices(join(root, "prices"), ""),
    list: new InstanceList(client, { now: Date.now, sleep: async () => {} }),
    clock,
    engine: { signal: gone.signal, alive: async () => true },
    logins: {
      login: async () => ({ host: "127.0.0.1", port, via: "direct", hostKey }),
      isSetUp: async () => ({ gpus: { gpus: 0, said: "GPU is lost" }, hasFuse: true }),
    },
    progress: () => {},
    say: async (text: string) => void heard.push(text),
  } as unknown as Means;
  const noted: News[] = [];
  const scene = {
    order,
    asked,
    onDemand,
    answer: (_state: string) => {},
    gone,
    clock,
    means: async () => means,
    connect: () => ({ client, key: home.key }),
    discard: undefined,
    progress: () => {},
    say: (text: string) => heard.push(text),
    noted,
    note: (news: News) => void noted.push(news),
    patience: 1500,
    heard,
  };
  return scene;
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

test("what was there before and is not any more is no proof that there is nothing to save", needsRoot, async (t) => {
  const scene = await openScene(t);
  const { from, workspace } = scene.order;
  const keep = join(workspace, ".vast-training");
  rmSync(keep, { recursive: true });
  await refuses(
    scene,
    /\.vast-training, which the first step has made, is not there: its disk was wiped/,
    /\$1\.842\/h/,
  );
  mkdirSync(keep);
  rmSync(from, { recursive: true });
  writeFileSync(join(keep, "train.id"), "id");
  await refuses(scene, /machine, in which training was to save, is not there/, /\$1\.842\/h/);
  mkdirSync(from);
  writeFileSync(join(keep, "train.saved"), "yes");
  await refuses(scene, /training has saved in .*machine, and nothing is there any more/, /\$1\.842\/h/);
  rmSync(join(keep, "train.saved"));
  await pass(scene);
});

/** As RunIdentity sees a machine that no state has. */
const unknown = (scene: Scene): Scene => ({ ...scene, order: { ...scene.order, begun: false, stack: "local" } });

test(
  "a machine that no state has may go when nothing of ours is on it; else it is stopped, asked and fetched from",
  needsRoot,
  async (t) => {
    const known = await openScene(t);
    const { workspace } = known.order;
    const scene = unknown(known);
    rmSync(join(scene.order.from, "step_1"));
    await pass(scene);
    assert.match(scene.heard.join(), /instance 31415926 holds nothing of a training of ours/);
    assert.equal(existsSync(scene.order.to), false, "no folder is made for nothing");
    writeFileSync(join(scene.order.from, "step_2"), "two");
    await pass(scene);
    assert.equal(readFileSync(join(scene.order.to, "step_2"), "utf8"), "two");
    rmSync(workspace, { recursive: true });
    rmSync(scene.order.from, { recursive: true });
    await refuses(
      scene,
      /files were fetched from .* before, and nothing is there any more: its disk was wiped/,
      /\(pulumi destroy -s local\)/,
    );
    assert.deepEqual(scene.asked, [], "somebody was let in, so it is not stopped");
  },
);

test("a machine that no state has and nobody can look into is stopped and kept", needsRoot, async (t) => {
  const ports = { "22/tcp": [{ HostIp: "0.0.0.0", HostPort: String(await freePort()) }] };
  const scene = unknown(await openScene(t, { ports }));
  await refuses(
    scene,
    /is kept, because nobody can see whether checkpoints are on it: .*no login/,
    /It was stopped, and its disk goes on costing \$0\.042\/h\. Try again .*\(pulumi destroy -s local\)/,
  );
  assert.deepEqual(scene.asked, ["stopped"]);
  const deaf = await openScene(t, { ports });
  deaf.answer = () => {
    throw vastError("unreachable", "Vast does not answer");
  };
  await refuses(
    unknown(deaf),
    /no login/,
    /IT COULD NOT BE STOPPED AND GOES ON BILLING, at \$1\.842\/h .*vastai stop instance 31415926/,
  );
});

test("checkpoints are home when the gate opens, and a second time changes nothing", needsRoot, async (t) => {
  const scene = await openScene(t);
  for (let time = 0; time < 2; time++) await pass(scene);
  assert.equal(readFileSync(join(scene.order.to, "step_1"), "utf8"), "one");
  assert.ok(
    scene.heard.some((text) => /^1 file, 3 bytes, verified/.test(text)),
    scene.heard.join("\n"),
  );
  assert.deepEqual(
    scene.noted.map(({ what, reason, home }) => (what === "synced" ? [what, reason, home] : [what])),
    [1, 2].flatMap(() => [["ended"], ["synced", "1 file, 3 bytes", scene.order.to]]),
  );
  // What is home already crosses no line again.
  assert.equal(scene.noted.at(-1)?.bytes, 0);
  assert.ok((scene.noted[1]?.bytes ?? 0) > 0);
});

test("Vast is asked once whether the machine is stopped and where it lets us in", needsRoot, async (t) => {
  const scene = await openScene(t);
  const { client } = scene.connect();
  const { instances } = client;
  let looks = 0;
  client.instances = () => {
    looks++;
    return instances();
  };
  client.instance = () => assert.fail("the single view was asked as well");
  await pass(scene);
  assert.equal(looks, 1);
});

test("the gate opens when there is nothing to save, or Vast says that the instance is gone", needsRoot, async (t) => {
  const empty = await openScene(t);
  rmSync(join(empty.order.from, "step_1"));
  await pass(empty);
  await pass(await openScene(t, {}, "gone"));
});

test("what another account's key cannot see is not gone: the gate stays shut", needsRoot, async (t) => {
  const scene = await openScene(t, {}, "gone");
  const foreign = { ...scene, order: { ...scene.order, accountId: "2" } };
  await refuses(foreign, /was rented by account 2, and the key is account 1's/, /\$9\.000\/h/);
  const unknown = { ...scene, order: { ...scene.order, accountId: "" } };
  await refuses(unknown, /instance \d+ cannot be seen, .*VAST_ACCOUNT_IS_SAME=\d+ before the command/, /\$9\.000\/h/);
  await pass({ ...scene, order: { ...scene.order, accountId: "1" } });
  await pass({ ...scene, order: { ...unknown.order, keyFingerprint: "a nonce:of the key" } });
});

test("a stopped instance without a budget is kept, and costs its disk", needsRoot, async (t) => {
  const scene = await openScene(t, STOPPED);
  const order = { ...scene.order, rescueBudget: 0 };
  await refuses({ ...scene, order }, /stopped, and rescueBudget is 0/, /\$0\.042\/h for its disk/);
  const little = { ...scene.order, rescueBudget: 0.01 };
  await refuses(
    { ...scene, order: little },
    /too little to start it at \$\d\.\d{3}\/h; put VAST_RESCUE_BUDGET/,
    /disk/,
  );
  assert.deepEqual(scene.asked, []);
});

test(
  "a stopped instance is started for its checkpoints, and what that may cost is said before",
  needsRoot,
  async (t) => {
    const scene = await openScene(t, { ...STOPPED, is_bid: false });
    await pass(scene);
    assert.deepEqual(scene.asked, ["running"]);
    assert.equal(readFileSync(join(scene.order.to, "step_1"), "utf8"), "one");
    assert.match(
      scene.heard[0] ?? "",
      /started to fetch them, at \$1\.842\/h, for 3\d\.\d minutes and \$1\.00 at most/,
    );
    assert.ok(existsSync(join(scene.order.workspace, ".vast-training/rescue")), "its guard knows");
  },
);

test("when the gate fails it is stopped again, and loudly told when it cannot be", needsRoot, async (t) => {
  const broken = async () => {
    const scene = await openScene(t, STOPPED);
    writeFileSync(join(scene.order.workspace, "logs"), "a file");
    return scene;
  };
  const scene = await broken();
  await refuses(scene, /command on the machine failed.*is stopped again/, /\$0\.042\/h for its disk/);
  assert.deepEqual(scene.asked.slice(-2), ["running", "stopped"]);
  const deaf = await broken();
  deaf.answer = (state) => {
    if (state === "stopped") throw vastError("unreachable", "Vast does not answer");
  };
  await refuses(
    deaf,
    /COULD NOT BE STOPPED AGAIN \(Vast does not answer\).*vastai stop instance 31415926/,
    /\$1\.842\/h/,
  );
});

test("it is stopped again as well when one view of Vast says that there is no such instance", needsRoot, async (t) => {
  const scene = await openScene(t, { ...STOPPED, is_bid: false });
  scene.answer = (state) => {
    if (state === "running") scene.gone.abort();
  };
  scene.connect().client.instance = async () => undefined;
  await refuses(scene, /nobody waits for it any more.*stopped again/, /disk/);
  assert.equal(scene.asked.at(-1), "stopped");
});

test("a start that Vast queues is called off, and the instance kept", needsRoot, async (t) => {
  const scene = await openScene(t, { ...STOPPED, is_bid: false });
  scene.answer = (state) => {
    if (state === "running") throw vastError("refused", "state change queued");
  };
  await refuses(scene, /rented by somebody else.*called off/, /disk/);
  assert.deepEqual(scene.asked, ["running", "stopped"]);
});

test("an outbid instance is bid for within the budget, and kept when that does not do", needsRoot, async (t) => {
  const outbid = { ...STOPPED, is_bid: true, dph_base: 1.8, min_bid: 2 };
  const scene = await openScene(t, outbid);
  await pass(scene);
  assert.deepEqual(scene.asked, ["bid 2.4", "running"]);
  const worse = await openScene(t, outbid);
  worse.onDemand.push(offer({ dph_base: 2 }));
  await refuses(worse, /takes a bid of \$2\.000\/h now, and on demand it costs no more .*vastai change bid/, /disk/);
  assert.deepEqual(worse.asked, []);
  const echo = await openScene(t, { ...outbid, min_bid: 1.8 });
  await pass(echo);
  assert.deepEqual(echo.asked, ["running"], "our own bid is not bid against");
  const dear = await openScene(t, { ...outbid, min_bid: 21 });
  await refuses(dear, /rescueBudget of \$1\.00 is too little to start it at \$21\.042\/h/, /disk/);
  assert.deepEqual(dear.asked, []);
});

test("no more than the budget is spent, nor anything when Pulumi is gone", needsRoot, async (t) => {
  const slow = await openScene(t, STOPPED);
  let looks = 0;
  slow.clock.now = () => (looks++ === 0 ? 0 : 40 * 60_000);
  await refuses(slow, /rescueBudget of \$1\.00 is used up after \d+(\.\d)? minutes|not ready/, /disk/);
  assert.equal(slow.asked.at(-1), "stopped");
  const lonely = await openScene(t, STOPPED);
  lonely.answer = (state) => {
    if (state === "running") lonely.gone.abort();
  };
  await refuses(lonely, /nobody waits for it any more.*stopped again/, /disk/);
});

test(
  "what had ended well and is home already needs no start; another training, or a lost file, does",
  needsRoot,
  async (t) => {
    const scene = await openScene(t, STOPPED);
    mkdirSync(scene.order.to, { recursive: true });
    writeFileSync(join(scene.order.to, "step_1"), "one");
    const sha256 = createHash("sha256").update("one").digest("hex");
    const manifest = new Map([["step_1", { size: 3, sha256 }]]);
    const note = (ended: string | null) =>
      noteRecord(scene.order.to, { verifiedAt: "2026-01-01", ended, files: manifest });
    note(MARK);
    await pass(scene);
    assert.deepEqual(scene.asked, []);
    assert.match(scene.heard.join("\n"), /all of it is home: 1 file, 3 bytes, verified at 2026-01-01/);
    const poor = { ...scene, order: { ...scene.order, rescueBudget: 0 } };
    for (const ended of [null, trainingMark(HASH, "2025")]) {
      note(ended);
      await refuses(poor, /rescueBudget/, /disk/);
    }
    note(MARK);
    await refuses({ ...poor, order: { ...poor.order, training: undefined } }, /rescueBudget/, /disk/);
    writeFileSync(join(scene.order.to, "step_1"), "two");
    await refuses(poor, /rescueBudget/, /disk/);
  },
);

test("a pull notes whether training had ended well", needsRoot, async (t) => {
  const scene = await openScene(t);
  await pass(scene);
  assert.deepEqual([recordOf(scene.order.to)?.ended, recordOf(scene.order.to)?.files.size], [null, 1]);
  const place = join(scene.order.workspace, ".vast-training");
  rmSync(join(place, "train.stop"));
  writeFileSync(join(place, "train.hash"), HASH);
  writeFileSync(join(scene.order.workspace, "train.exit"), "0\n");
  await pass(scene);
  assert.equal(recordOf(scene.order.to)?.ended, MARK);
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

const BRING = { name: "repo", globs: ["results"], maxMb: 1 };

/** One whose log and results are to come home as well. */
async function openBringing(t: TestContext, changes: Record<string, unknown> = {}) {
  const scene = await openScene(t, changes);
  const { workspace } = scene.order;
  writeFileSync(join(workspace, "train.log"), "the log");
  mkdirSync(join(workspace, "repo/results"), { recursive: true });
  writeFileSync(join(workspace, "repo/results/a"), "a");
  return { ...scene, order: { ...scene.order, bring: BRING } };
}

test("what bring names is home when the gate opens, beside the checkpoints", needsRoot, async (t) => {
  const scene = await openBringing(t);
  const { to, workspace } = scene.order;
  await pass(scene);
  assert.equal(readFileSync(join(to, "step_1"), "utf8"), "one");
  assert.equal(readFileSync(`${to}.brought/train.log`, "utf8"), "the log");
  assert.equal(readFileSync(`${to}.brought/repo/results/a`, "utf8"), "a");
  assert.match(scene.heard.at(-1) ?? "", /^beside them: 2 files, 8 bytes, in .*31415926\.brought$/);
  writeFileSync(join(workspace, "repo/results/large"), Buffer.alloc(2_000_000, "x"));
  symlinkSync("/etc/passwd", join(workspace, "repo/results/out"));
  await pass(scene);
  assert.match(scene.heard.join("\n"), /^NOT BROUGHT: 1 file, 2\.0 MB/m);
  assert.match(scene.heard.join("\n"), /^not brought: repo\/results\/out, which is a link/m);
});

test(
  "what bring names and cannot come home keeps the instance, and says that checkpoints are home",
  needsRoot,
  async (t) => {
    const scene = await openBringing(t);
    const { to } = scene.order;
    mkdirSync(join(to, ".."), { recursive: true });
    // The look before training is stopped finds a folder, and the lock none: it cannot be made.
    mkdirSync(`${to}.brought`);
    writeFileSync(`${to}.brought.lock`, "a file");
    await assert.rejects(pass(scene), ({ message }: Error) => {
      assert.match(
        message,
        /is kept, because its checkpoints are home, but not what bring names: .*\.brought\.lock cannot be/,
      );
      assert.match(message, /At stake are the log of training and what bring names/);
      assert.match(message, /or give up what is not home by putting VAST_DISCARD_CHECKPOINTS=31415926 before/);
      return true;
    });
    assert.equal(readFileSync(join(to, "step_1"), "utf8"), "one");
    await pass({ ...scene, discard: String(ID) });
    rmSync(`${to}.brought.lock`);
    await pass(scene);
  },
);

test("a stopped machine is started for what bring names, unless that is home as well", needsRoot, async (t) => {
  const running = await openBringing(t);
  const { order } = running;
  await pass(running);
  const place = join(order.workspace, ".vast-training");
  rmSync(join(place, "train.stop"));
  writeFileSync(join(place, "train.hash"), HASH);
  writeFileSync(join(order.workspace, "train.exit"), "0\n");
  await pass(running);
  const stopped = await openScene(t, STOPPED);
  const home = { to: order.to, workspace: order.workspace, from: order.from };
  await pass({ ...stopped, order: { ...stopped.order, ...home, bring: BRING } });
  assert.deepEqual(stopped.asked, []);
  const more = { ...stopped.order, ...home, bring: { ...BRING, globs: ["outputs"] }, rescueBudget: 0 };
  await assert.rejects(pass({ ...stopped, order: more }), /rescueBudget is 0/);
});
