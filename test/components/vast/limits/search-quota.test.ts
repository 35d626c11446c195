import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Clock } from "../../../../components/lib/clock.ts";
import { holdOf, type Refusals, SearchQuota } from "../../../../components/vast/limits/search-quota.ts";

const START = Date.UTC(2026, 8, 1, 21);
const RESET = Date.UTC(2026, 8, 2);
const HOUR = 3_600_000;

class Refused extends Error {
  readonly resetsAt: number;
  readonly isSent: boolean;
  constructor(resetsAt: number, isSent: boolean) {
    super("refused");
    this.resetsAt = resetsAt;
    this.isSent = isSent;
  }
}

const refusals: Refusals = {
  resetsAt: (error) => (error instanceof Refused ? error.resetsAt : undefined),
  error: (resetsAt) => new Refused(resetsAt, false),
};

/** Vast's searches, and commands that share a state directory. */
function world(t: TestContext) {
  const home = mkdtempSync(join(tmpdir(), "search-quota-test-"));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  const time = { now: START };
  const sent = { count: 0 };
  const vast = { answer: async (): Promise<string> => "offers" };
  const refuse = async () => Promise.reject(new Refused(RESET, true));
  const command = (dir: string | null = home, who = "api key", clock: Pick<Clock, "now" | "boot"> = clockOf(time)) => {
    const quota = new SearchQuota(dir === null ? undefined : { limitsDir: dir, owner: "abcdefgh" }, clock);
    return () =>
      quota.run(who, refusals, async (onLeave) => {
        onLeave();
        sent.count += 1;
        return vast.answer();
      });
  };
  return { home, time, sent, vast, refuse, command };
}

function clockOf(time: { readonly now: number }): Pick<Clock, "now"> {
  return { now: () => time.now };
}

const held = (resetsAt: number) => (error: unknown) =>
  error instanceof Refused && !error.isSent && error.resetsAt === resetsAt;

test("once Vast has refused a search none is sent until the reset, by no command of the state directory", async (t) => {
  const { time, sent, vast, refuse, command } = world(t);
  vast.answer = refuse;
  const search = command();
  await assert.rejects(search(), Refused);
  for (const again of [search, command(), command()]) await assert.rejects(again(), held(RESET));
  assert.equal(sent.count, 1);
  time.now = RESET - 1;
  await assert.rejects(command()(), held(RESET));
  assert.equal(sent.count, 1);
});

test("another key, and another API, is not held back", async (t) => {
  const { sent, vast, refuse, command, home } = world(t);
  vast.answer = refuse;
  await assert.rejects(command()(), Refused);
  vast.answer = async () => "offers";
  assert.equal(await command(home, "api other-key")(), "offers");
  assert.equal(await command(home, "other-api key")(), "offers");
  assert.equal(sent.count, 3);
});

test("after the reset one search finds out, while the others of its process wait for it", async (t) => {
  const { home, time, sent, vast, refuse, command } = world(t);
  vast.answer = refuse;
  await assert.rejects(command()(), Refused);
  time.now = RESET;
  const answer = Promise.withResolvers<string>();
  vast.answer = () => answer.promise;
  const search = command();
  const both = [search(), search()];
  await assert.rejects(command()(), held(RESET + 60_000), "another command does not find out as well");
  assert.equal(sent.count, 2);
  answer.resolve("offers");
  assert.deepEqual(await Promise.all(both), ["offers", "offers"]);
  assert.deepEqual(readdirSync(home), []);
  assert.equal(await command()(), "offers");
});

test("what finds out is refused again: until the next reset", async (t) => {
  const { time, sent, vast, refuse, command } = world(t);
  vast.answer = refuse;
  await assert.rejects(command()(), Refused);
  time.now = RESET + 1000;
  const next = RESET + 24 * HOUR;
  vast.answer = async () => Promise.reject(new Refused(next, true));
  await assert.rejects(command()(), Refused);
  time.now = next - 1;
  await assert.rejects(command()(), held(next));
  assert.equal(sent.count, 2);
});

test("what finds out and meets a broken line has found out nothing; one that was killed is waited for a minute", async (t) => {
  const { time, sent, vast, refuse, command } = world(t);
  vast.answer = refuse;
  await assert.rejects(command()(), Refused);
  time.now = RESET;
  vast.answer = async () => Promise.reject(new Error("no line"));
  await assert.rejects(command()(), /no line/);
  vast.answer = () => new Promise(() => {});
  void command()();
  await assert.rejects(command()(), held(RESET + 60_000));
  time.now += 60_000;
  vast.answer = async () => "offers";
  assert.equal(await command()(), "offers");
  assert.equal(sent.count, 4);
});

test("a search that waited for its turn does not leave when another was refused meanwhile", async (t) => {
  const { home, time, vast, refuse, command } = world(t);
  const quota = new SearchQuota({ limitsDir: home, owner: "abcdefgh" }, clockOf(time));
  const turn = Promise.withResolvers<void>();
  let left = 0;
  const waiting = quota.run("api key", refusals, async (onLeave) => {
    await turn.promise;
    onLeave();
    left += 1;
  });
  vast.answer = refuse;
  await assert.rejects(command()(), Refused);
  turn.resolve();
  await assert.rejects(waiting, held(RESET));
  assert.equal(left, 0);
});

test("an unreadable note is none, and neither its name nor its text tells of the key", async (t) => {
  const { home, sent, vast, refuse, command } = world(t);
  vast.answer = refuse;
  const key = "k".repeat(64);
  await assert.rejects(command(home, key)(), Refused);
  const [name = ""] = readdirSync(home);
  assert.match(name, /^searches-[0-9a-f]{32}\.json$/);
  const file = join(home, name);
  assert.doesNotMatch(readFileSync(file, "utf8"), /kkk/);
  for (const text of [
    "",
    "{",
    "null",
    "[]",
    '"x"',
    '{"at":1}',
    '{"at":"a","resetsAt":"b"}',
    '{"at":0,"resetsAt":9e15}',
  ]) {
    writeFileSync(file, text);
    vast.answer = async () => "offers";
    assert.equal(await command(home, key)(), "offers", text);
  }
  assert.equal(sent.count, 9);
});

test("where nothing can be written the process that was refused holds to it alone", async (t) => {
  const { sent, vast, refuse, command } = world(t);
  vast.answer = refuse;
  for (const dir of ["/dev/full/limits", null]) {
    sent.count = 0;
    const search = command(dir);
    await assert.rejects(search(), Refused);
    await assert.rejects(search(), held(RESET));
    assert.equal(sent.count, 1);
  }
});

test("a clock that is set back holds nothing up, and within one start of the machine makes no difference", () => {
  const boot =
    (uptime: number, id = "a") =>
    () => ({ id, uptime });
  const refusal = { at: START, resetsAt: RESET, boot: { id: "a", uptime: 1000 } };
  const week = 7 * 24 * HOUR;
  const cases: [clock: Pick<Clock, "now" | "boot">, hold: ReturnType<typeof holdOf>][] = [
    [{ now: () => START + HOUR, boot: boot(1000 + HOUR) }, RESET],
    [{ now: () => START - week, boot: boot(1000 + HOUR) }, RESET],
    [{ now: () => START - week, boot: boot(1000 + 3 * HOUR) }, "due"],
    [{ now: () => START + week, boot: boot(1000 + HOUR) }, RESET],
    [{ now: () => START - week, boot: boot(50, "another") }, "open"],
    [{ now: () => START - week }, "open"],
    [{ now: () => START - 60_000, boot: boot(50, "another") }, RESET],
    [{ now: () => RESET, boot: boot(50, "another") }, "due"],
  ];
  for (const [clock, hold] of cases) assert.equal(holdOf(refusal, clock), hold);
  const impossible = { at: START, resetsAt: START + week };
  assert.equal(holdOf(impossible, { now: () => START }), "open");
  assert.equal(holdOf(undefined, { now: () => START }), "open");
});
