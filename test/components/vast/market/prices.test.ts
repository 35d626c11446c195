import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { Prices } from "../../../../components/vast/market/prices.ts";

const slice = { machineId: 41907, gpus: 1 };
const HOUR = 3_600_000;

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), "vast-prices-test-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

test("prices and bids are known to every process, for the same slice of the same API", (t) => {
  const dir = folder(t);
  let now = 1_800_000_000_000;
  const prices = new Prices(dir, "https://x", () => now);
  assert.deepEqual([prices.onDemand(slice), prices.bids(slice)], [undefined, []]);
  prices.noteOnDemand(slice, 2.2);
  prices.noteBid(slice, { perHour: 1.8, floor: 1.5 });
  prices.noteBid(slice, { perHour: 1.7, floor: null });
  const other = new Prices(dir, "https://x", () => now);
  assert.deepEqual(other.onDemand(slice), { perHour: 2.2, at: now });
  assert.deepEqual(other.bids(slice), [
    { perHour: 1.8, floor: 1.5 },
    { perHour: 1.7, floor: 1.5 },
  ]);
  for (const elsewhere of [new Prices(dir, "https://y", () => now).bids(slice), other.bids({ ...slice, gpus: 4 })])
    assert.deepEqual(elsewhere, []);
  now += 31 * 24 * HOUR;
  assert.equal(prices.onDemand(slice), undefined, "a month later");
});

test("the last bids are enough, and what is old or broken is done without", (t) => {
  const dir = folder(t);
  const prices = new Prices(dir, "");
  for (let bid = 1; bid <= 20; bid++) prices.noteBid(slice, { perHour: bid, floor: 1 });
  assert.deepEqual(
    prices.bids(slice).map(({ perHour }) => perHour),
    [13, 14, 15, 16, 17, 18, 19, 20],
  );
  const [name = ""] = readdirSync(dir);
  const old = Date.now() / 1000 - 31 * 24 * 3600;
  utimesSync(join(dir, name), old, old);
  prices.noteBid({ ...slice, gpus: 2 }, { perHour: 1, floor: 1 });
  assert.equal(readdirSync(dir).length, 1);
  writeFileSync(join(dir, readdirSync(dir)[0] ?? ""), "{");
  assert.deepEqual(prices.bids({ ...slice, gpus: 2 }), []);
  const nowhere = new Prices(join(dir, "missing"), "");
  nowhere.noteOnDemand(slice, 2);
  assert.equal(nowhere.onDemand(slice), undefined);
});
