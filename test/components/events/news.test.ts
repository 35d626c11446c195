import assert from "node:assert/strict";
import { test } from "node:test";
import type { Event, What } from "../../../components/events/event.ts";
import { factsOfInstance, factsOfOffer, newsOf } from "../../../components/events/news.ts";
import { instanceFromWire } from "../../../components/vast/client/wire.ts";

test("an offer tells its GPUs, and the price of GPUs and disk apart", () => {
  const offer = { gpu: "H100 SXM", gpus: 2, machineId: 5, diskPerHour: 0.25, totalPerHour: 2.25 };
  assert.deepEqual(factsOfOffer({ ...offer, onDemandPerHour: null, trafficPerGb: 0.02 }), {
    machineId: 5,
    gpu: "2x H100 SXM",
    gpuPerHour: 2,
    diskPerHour: 0.25,
    trafficPerGb: 0.02,
  });
});

test("of an instance only what Vast says is told", () => {
  const row = instanceFromWire({ id: 7, gpu_name: "H100 SXM", num_gpus: 1, dph_base: 2 });
  assert.ok(row);
  assert.deepEqual(factsOfInstance(row), { instance: 7, gpu: "1x H100 SXM", gpuPerHour: 2 });
});

const UP = { actual_status: "running", intended_status: "running", cur_state: "running", next_state: "running" };
const DOWN = { actual_status: "exited", intended_status: "stopped", cur_state: "stopped", next_state: "stopped" };
const LOADING = { actual_status: "loading" };

/** What a look at instance 7 adds after these events. */
function seenAfter(noted: readonly What[], words: object | undefined): string | undefined {
  const events = noted.map((what, at): Event => ({ at: at + 1, actor: "a test", what, instance: 7 }));
  const other: Event = { at: 99, actor: "a test", what: "released", instance: 8 };
  const price = { is_bid: true, dph_base: 2, min_bid: 3 };
  const row = words === undefined ? undefined : instanceFromWire({ id: 7, gpu_name: "H100", ...price, ...words });
  return newsOf([...events, other], 7, row)?.what;
}

test("of one that was seen to run before, that is noted too", () => {
  const events = (["rented", "ready"] as const).map((what): Event => ({ at: 1, actor: "a test", what, instance: 7 }));
  assert.equal(newsOf(events, 7, instanceFromWire({ id: 7, ...DOWN }), 99)?.since, 99);
});

for (const [noted, words, expected] of [
  [["rented", "ready"], DOWN, "outbid"],
  [["rented", "ready"], { ...DOWN, is_bid: false }, "stopped"],
  [["rented", "ready", "outbid", "first line"], DOWN, undefined],
  [["rented", "ready", "outbid"], UP, "resumed"],
  [["rented", "ready", "stopped"], LOADING, undefined],
  [["rented", "ready", "outbid", "resumed"], DOWN, "outbid"],
  [["rented", "ready", "first line"], UP, undefined],
  [["rented"], UP, undefined],
  [["rented"], DOWN, undefined],
  [["rented", "ready"], undefined, "released"],
  [["rented", "ready", "released"], undefined, undefined],
  [["ready"], undefined, undefined],
] as const) {
  const seen = words === undefined ? "gone" : words === UP ? "up" : words === LOADING ? "coming up" : "down";
  test(`after ${noted.join(", ")} a machine that is ${seen} is noted as ${expected ?? "nothing new"}`, () => {
    assert.equal(seenAfter(noted, words), expected);
  });
}
