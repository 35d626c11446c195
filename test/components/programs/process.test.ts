import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { markOf, stateOf } from "../../../components/programs/process.ts";
import { holderOf, type Wish } from "../../../components/vast/journal/journal.ts";

const wish: Wish = { label: "vt-a", urn: "urn:x", apiUrl: "simulator", apiKeyFile: "", offerId: 7, at: 1000 };

test("a process is told from a later one with its number", async () => {
  const child = spawn("sleep", ["1000"]);
  const mark = markOf(child.pid);
  assert.equal(stateOf(mark), "running");
  assert.equal(stateOf({ ...mark, startedAt: "another time" }), "ended");
  assert.equal(stateOf({ ...mark, host: "another-node" }), "elsewhere");
  child.kill("SIGKILL");
  await once(child, "exit");
  assert.equal(stateOf(mark), "ended");
  assert.equal(holderOf({ ...wish, ...mark }), "nobody");
  assert.equal(holderOf({ ...wish, ...markOf() }), "us");
});
