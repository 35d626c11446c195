import assert from "node:assert/strict";
import { test } from "node:test";
import { caseNamed } from "./cases.ts";
import { Crew } from "./crew.ts";

const name = process.env.VAST_TRAINING_CASE;

test("the case that VAST_TRAINING_CASE names", { skip: name === undefined }, async (t) => {
  const crew = new Crew();
  t.after(() => crew.close());
  const { story, calls } = await crew.play(caseNamed(name ?? ""));
  for (const line of story) t.diagnostic(line);
  for (const { command, endpoint, nth } of calls) t.diagnostic(`${command}: ${endpoint} #${nth}`);
  assert.equal(crew.failures.length, 0, crew.report());
});
