import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { cacheDir, madeOnce } from "../../../simulator/hosts/cache.ts";
import { run, temporaryFolder } from "../../support/hosts.ts";

const module = join(import.meta.dirname, "../../../simulator/hosts/cache.ts");

test("the cache is where XDG says, else in the home", () => {
  assert.equal(cacheDir({ XDG_CACHE_HOME: "/x", HOME: "/h" }), "/x/vast-training");
  assert.equal(cacheDir({ HOME: "/h" }), "/h/.cache/vast-training");
  assert.equal(cacheDir({ XDG_CACHE_HOME: "", HOME: "/h" }), "/h/.cache/vast-training");
});

test("made once, however often it is asked for at once", async (t) => {
  const folder = join(temporaryFolder(t), "thing");
  let times = 0;
  const make = async (work: string) => {
    times += 1;
    await new Promise((done) => setImmediate(done));
    writeFileSync(join(work, "file"), "whole");
  };
  await Promise.all([madeOnce(folder, make), madeOnce(folder, make), madeOnce(folder, make)]);
  await madeOnce(folder, make);
  assert.equal(times, 1);
  assert.equal(readFileSync(join(folder, "file"), "utf8"), "whole");
});

test("several processes end up with one whole thing and no rest", async (t) => {
  const above = temporaryFolder(t);
  const code = `
    import { writeFileSync } from "node:fs";
    import { madeOnce } from ${JSON.stringify(module)};
    await madeOnce(${JSON.stringify(join(above, "thing"))}, async (work) => {
      writeFileSync(work + "/one", "");
      await new Promise((done) => setTimeout(done, 50));
      writeFileSync(work + "/two", "");
    });`;
  const words = ["--input-type=module", "--eval", code];
  const results = await Promise.all([1, 2, 3].map(() => run(process.execPath, words)));
  assert.deepEqual(
    results.map(({ code: exit, stderr }) => [exit, stderr]),
    [
      [0, ""],
      [0, ""],
      [0, ""],
    ],
  );
  assert.deepEqual(readdirSync(above), ["thing"]);
  assert.deepEqual(readdirSync(join(above, "thing")), ["one", "two"]);
});

test("a failure leaves nothing, and the next try starts afresh", async (t) => {
  const above = temporaryFolder(t);
  const folder = join(above, "thing");
  await assert.rejects(
    madeOnce(folder, async (work) => {
      writeFileSync(join(work, "half"), "");
      throw new Error("no network");
    }),
    /no network/,
  );
  assert.deepEqual(readdirSync(above), []);
  await madeOnce(folder, async () => {});
  assert.deepEqual(readdirSync(folder), []);
});

test("what a killed maker left is removed when it is old", async (t) => {
  const above = temporaryFolder(t);
  for (const name of ["thing.part-old", "thing.part-new", "other.part-old"]) mkdirSync(join(above, name));
  const lastWeek = Date.now() / 1000 - 7 * 24 * 3600;
  for (const name of ["thing.part-old", "other.part-old"]) utimesSync(join(above, name), lastWeek, lastWeek);
  symlinkSync("nowhere", join(above, "thing.part-gone")); // listed, and not there: as when its maker is done just then
  await madeOnce(join(above, "thing"), async () => {});
  assert.deepEqual(readdirSync(above).sort(), ["other.part-old", "thing", "thing.part-gone", "thing.part-new"]);
});
