import assert from "node:assert/strict";
import { test } from "node:test";
import { type KnownTraces, whyLost } from "../../../components/checkpoints/lost.ts";
import type { Traces } from "../../../components/vast/ready/traces.ts";

const none: Traces = { kept: false, trained: false, folder: false, saved: false, files: false };
const whole: Traces = { kept: true, trained: true, folder: true, saved: true, files: true };
const places: KnownTraces = { workspace: "/workspace", from: "/data/checkpoints", begun: true, fetched: 0 };

test("only what is known to have been there can be lost", () => {
  const rows: [traces: Traces, changes: Partial<KnownTraces>, why: RegExp | undefined][] = [
    [whole, {}, undefined],
    [none, {}, /^\/workspace\/\.vast-training, which the first step has made, is not there/],
    [none, { begun: false }, undefined],
    [none, { begun: false, fetched: 3 }, /^files were fetched from \/data\/checkpoints before/],
    [{ ...none, kept: true }, {}, undefined],
    [
      { ...whole, folder: false, files: false },
      {},
      /^\/data\/checkpoints, in which training was to save, is not there/,
    ],
    [{ ...whole, files: false }, {}, /^training has saved in \/data\/checkpoints, and nothing is there any more/],
    [{ ...whole, saved: false, files: false }, {}, undefined],
    // It may have cleared its own folder after they were fetched.
    [{ ...whole, saved: false, files: false }, { fetched: 3 }, undefined],
  ];
  for (const [traces, changes, why] of rows) {
    const found = whyLost(traces, { ...places, ...changes });
    if (why === undefined) assert.equal(found, undefined, JSON.stringify(traces));
    else assert.match(found ?? "", why);
  }
});
