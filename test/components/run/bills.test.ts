import assert from "node:assert/strict";
import { hostname } from "node:os";
import { test } from "node:test";
import { billLines, billText, leftLines } from "../../../components/run/bills.ts";
import type { VastClient } from "../../../components/vast/client/client.ts";
import { vastError } from "../../../components/vast/client/errors.ts";
import type { Instance } from "../../../components/vast/client/wire.ts";
import type { Intent } from "../../../components/vast/journal/journal.ts";
import { runLabel } from "../../../components/vast/journal/label.ts";

test("what bills is said with its id, its rate and the commands that end it", () => {
  assert.equal(
    billText("42", 1.0706, "dev"),
    "instance 42 goes on costing up to $1.071/h; this ends it: pulumi destroy -s dev, or, when that fails, vastai destroy instance 42",
  );
});

test("what a killed process of this stack was renting is said, too", () => {
  const intent = (stack: string, process: Partial<Intent>) => ({
    ...{ label: `vt-${stack}`, urn: `urn:pulumi:${stack}::p::t::n`, offerId: 1, at: 0, perHour: 0.5, instanceIds: [7] },
    ...{ apiUrl: "", apiKeyFile: "", host: hostname(), pid: 2 ** 22 + 1, startedAt: "0", ...process },
  });
  const open = [intent("dev", {}), intent("other", {}), intent("dev", { host: "elsewhere" })];
  assert.deepEqual(leftLines({ listOpen: () => open }, "dev"), [
    "instance 7 (vt-dev) is still there and costs up to $0.500/h; this ends it: pulumi destroy -s dev, or vastai destroy instance 7",
  ]);
  assert.deepEqual(leftLines({ listOpen: () => open }, "dev", [7]), [], "a machine of which that is said already");
});

const whose = { owner: "abcdefgh", project: "vast-training", stack: "dev", run: "run" };

function vastWith(instances: () => Promise<Instance[]>) {
  return { client: { instances } as unknown as VastClient };
}

const rented = (id: number, label: string | null) => ({ id, label, totalPerHour: 1.25 }) as Instance;

test("the machines of this stack's earlier runs are named, and no others", async () => {
  const labels = [
    runLabel(whose),
    runLabel({ ...whose, owner: "hgfedcba" }),
    runLabel({ ...whose, stack: "dev-2" }),
    runLabel({ ...whose, stack: "de" }),
    null,
  ];
  const lines = await billLines(
    vastWith(async () => labels.map((label, index) => rented(index + 1, label))),
    whose,
  );
  assert.deepEqual(lines, [
    "instance 1 goes on costing up to $1.250/h; this ends it: pulumi destroy -s dev, or, when that fails, vastai destroy instance 1",
  ]);
});

test("a name that had to be cut is still found", async () => {
  const long = { ...whose, stack: "a-stack-with-a-very-long-name-of-somebody-else" };
  const lines = await billLines(
    vastWith(async () => [rented(7, runLabel(long))]),
    long,
  );
  assert.equal(lines.length, 1);
});

test("a list that fails is no reason for another error", async () => {
  const fails = async () => {
    throw vastError("incomplete", "the list is not whole");
  };
  assert.deepEqual(await billLines(vastWith(fails), whose), []);
});
