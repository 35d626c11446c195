import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { choose } from "../../../../components/vast/market/choice.ts";
import { quoteOf } from "../../../../components/vast/market/quote.ts";
import { Quotes, Searches } from "../../../../components/vast/market/quotes.ts";
import { criteria } from "../../../support/request.ts";
import { offer } from "../../../support/rows.ts";

test("a quote is kept for ten minutes, for the same thing only", (t) => {
  const dir = mkdtempSync(join(tmpdir(), "vast-quotes-test-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  let now = 1_800_000_000_000;
  const quotes = new Quotes(dir, () => now);
  const [choice] = choose([offer()], "H100 SXM", criteria);
  assert.ok(choice);
  const quote = quoteOf(choice);
  const key = { urn: "urn:x", apiUrl: "", criteria, imageBytes: null };
  assert.equal(quotes.get(key), undefined);
  quotes.put(key, quote);
  assert.deepEqual(new Quotes(dir, () => now).get(key), quote, "another process reads it");
  assert.deepEqual(
    quotes.get({ ...key, criteria: Object.fromEntries(Object.entries(criteria).reverse()) as never }),
    quote,
  );
  assert.equal(quotes.get({ ...key, urn: "urn:y" }), undefined);
  assert.equal(quotes.get({ ...key, cachedBase: "a/b@sha256:0" }), undefined);
  assert.equal(quotes.get({ ...key, criteria: { ...criteria, maxPricePerHour: 1 } }), undefined);
  now += 599_000;
  assert.deepEqual(quotes.get(key), quote);
  now += 2_000;
  assert.equal(quotes.get(key), undefined);
  quotes.drop(key);
  quotes.drop(key);
  assert.deepEqual(readdirSync(dir), []);
});

test("old files are swept, broken ones are none", (t) => {
  const dir = mkdtempSync(join(tmpdir(), "vast-quotes-test-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const quotes = new Quotes(dir);
  const key = { urn: "urn:x", apiUrl: "", criteria, imageBytes: null };
  quotes.put(key, {} as never);
  const [name = ""] = readdirSync(dir);
  writeFileSync(join(dir, name), "{");
  assert.equal(quotes.get(key), undefined);
  const old = Date.now() / 1000 - 3600;
  utimesSync(join(dir, name), old, old);
  quotes.put({ ...key, urn: "urn:y" }, {} as never);
  assert.ok(!readdirSync(dir).includes(name));
});

test("an answer of the market is kept for a minute, for the same question of the same key", (t) => {
  const dir = mkdtempSync(join(tmpdir(), "vast-quotes-test-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  let now = 1_800_000_000_000;
  const open = () => new Searches({ quotesDir: dir, owner: "abcdefgh" }, () => now);
  const query = { gpu_name: { eq: "L4" }, limit: 64, order: [["dph_total", "asc"]] };
  open().put({ who: "one", query }, [offer()]);
  assert.deepEqual(open().get({ query: { order: query.order, limit: 64, gpu_name: query.gpu_name }, who: "one" }), [
    offer(),
  ]);
  assert.equal(open().get({ who: "other", query }), undefined);
  assert.equal(open().get({ who: "one", query: { ...query, order: [["dph_total", "desc"]] } }), undefined);
  now += 59_999;
  assert.deepEqual(open().get({ who: "one", query }), [offer()]);
  now += 1;
  assert.equal(open().get({ who: "one", query }), undefined);
  now -= 3_600_000;
  assert.equal(open().get({ who: "one", query }), undefined, "of a clock that was set back nobody knows how old it is");
});

test("a rental ends the answers of the market, and no quote", (t) => {
  const dir = mkdtempSync(join(tmpdir(), "vast-quotes-test-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const [quotes, searches] = [new Quotes(dir), new Searches({ quotesDir: dir, owner: "abcdefgh" })];
  const key = { urn: "urn:x", apiUrl: "", criteria, imageBytes: null };
  quotes.put(key, { offerId: 7 } as never);
  searches.put({ who: "one", query: {} }, []);
  searches.clear();
  assert.deepEqual([searches.get({ who: "one", query: {} }), quotes.get(key)], [undefined, { offerId: 7 }]);
});
