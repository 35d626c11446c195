import assert from "node:assert/strict";
import { hostname } from "node:os";
import { test } from "node:test";
import { billText, leftLines } from "../../components/bad-end.ts";
import type { Intent } from "../../components/vast/journal/journal.ts";

test("what bills is said with its id, its rate and the commands that end it", () => {
  assert.equal(
    billText("42", 1.0706, "dev"),
    "instance 42 goes on costing up to $1.071/h; this ends it: pulumi destroy -s dev, or, when that fails, vastai destroy instance 42",
  );
});

test("what a killed process of this stack was renting is said, too", () => {
  const intent = (stack: string, process: Partial<Intent>) => ({
    ...{ label: `vt-${stack}`, urn: `urn:pulumi:${stack}::p::t::n`, offerId: 1, at: 0, perHour: 0.5, instanceId: 7 },
    ...{ apiUrl: "", apiKeyFile: "", host: hostname(), pid: 2 ** 22 + 1, startedAt: "0", ...process },
  });
  const open = [intent("dev", {}), intent("other", {}), intent("dev", { host: "elsewhere" })];
  assert.deepEqual(leftLines({ listOpen: () => open }, "dev"), [
    "instance 7 (vt-dev) is still there and costs up to $0.500/h; this ends it: pulumi destroy -s dev, or vastai destroy instance 7",
  ]);
});
