import assert from "node:assert/strict";
import { test } from "node:test";
import { CROWDED, platformSeconds, QUICK, REAL, simulatorOptions, TENTH } from "../../bench/profile.ts";

test("what nobody can save is a search, a rental and the boot up to sshd", () => {
  // 0.3 for the search, 1 for PUT, 25 until it runs, 8 more until sshd answers.
  assert.equal(platformSeconds(REAL).toFixed(3), "34.300");
  assert.equal(platformSeconds(TENTH).toFixed(3), "3.430");
  assert.equal(platformSeconds(QUICK).toFixed(3), "3.000");
  assert.equal(platformSeconds({ name: "late ports", timings: { ports: 20 } }).toFixed(3), "22.500");
});

test("a profile is given to the simulator step by step", () => {
  assert.deepEqual(simulatorOptions(QUICK), []);
  assert.deepEqual(simulatorOptions(CROWDED), ["--market", "4"]);
  assert.deepEqual(simulatorOptions(TENTH).slice(0, 4), ["--timing", "latency=0.03", "--timing", "rent=0.07"]);
});
