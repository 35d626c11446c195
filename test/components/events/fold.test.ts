import assert from "node:assert/strict";
import { test } from "node:test";
import { type Event, eventFrom, lineOf } from "../../../components/events/event.ts";
import { carried, withoutFolded } from "../../../components/events/fold.ts";

const HOUR = 3_600_000;

function lines(run: string, instance: number, ...kinds: Event["what"][]): string[] {
  return kinds.map((what, hour) => {
    const rates = what === "rented" ? { gpuPerHour: 2, diskPerHour: 0.1 } : {};
    return lineOf({ at: 1 + hour * HOUR, actor: "a test", run, instance, what, ...rates });
  });
}

const kept = (texts: readonly string[]) => texts.map((text) => eventFrom(text)).map((event) => event?.what);

test("a finished run becomes one line with its dollars", () => {
  const [line = "", ...more] = carried(lines("vt-one", 7, "rented", "failed", "released"), []);
  assert.deepEqual(more, []);
  const { what, run, dollars, rentals, since, at } = eventFrom(line) ?? {};
  assert.deepEqual([what, run, rentals, since, at], ["folded", "vt-one", 1, 1, 1 + 2 * HOUR]);
  assert.equal(dollars?.toFixed(2), "0.20");
});

test("of a run that lives all stays that costs, and the last of each other kind", () => {
  const living = lines("vt-one", 7, "rented", "ready", "started", "lease moved", "lease moved", "outbid", "resumed");
  assert.deepEqual(kept(carried(living, [])), ["rented", "ready", "started", "lease moved", "outbid", "resumed"]);
  const second = lines("vt-one", 8, "rented");
  const half = carried([...lines("vt-one", 7, "rented", "released"), ...second], []);
  assert.deepEqual(kept(half).sort(), ["released", "rented", "rented"]);
});

test("a run of which another file tells is left as it is", () => {
  const finished = lines("vt-one", 7, "rented", "released");
  const elsewhere = lines("vt-one", 8, "rented");
  assert.deepEqual(carried(finished, elsewhere), finished);
});

test("what was never rented is dropped", () => {
  assert.deepEqual(carried([lineOf({ at: 1, actor: "a test", what: "quoted", stack: "dev" })], []), []);
});

test("a folded line stands for what is not younger, and another one adds to it", () => {
  const [fold = ""] = carried(lines("vt-one", 7, "rented", "released"), []);
  const again = lines("vt-one", 8, "rented", "released").map((text) => {
    const event = eventFrom(text) as Event;
    return { ...event, at: event.at + 5 * HOUR };
  });
  const events = [...lines("vt-one", 7, "rented", "released"), fold].map((text) => eventFrom(text) as Event);
  assert.deepEqual(
    withoutFolded([...again, ...events]).map(({ what }) => what),
    ["folded", "rented", "released"],
  );
  const [both = ""] = carried([fold, ...again.map(lineOf)], []);
  const { dollars, rentals } = eventFrom(both) ?? {};
  assert.deepEqual([dollars?.toFixed(2), rentals], ["0.20", 2]);
  assert.deepEqual(withoutFolded([fold, both].map((text) => eventFrom(text) as Event)).map(lineOf), [both]);
});
