import assert from "node:assert/strict";
import { test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { ownCommand } from "../../../../components/pulumi/own-command.ts";
import { costText, type Rented, stackOutputs } from "../../../../components/run/shown/outputs.ts";
import type { VastInstance } from "../../../../components/vast/instance/instance.ts";
import { quote } from "../../../support/rows.ts";

await pulumi.runtime.setMocks({ newResource: () => ({ id: "", state: {} }), call: () => ({}) }, "it", "dev", true);

const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** What a program sees of an instance in a preview. */
function instance(machine: object): VastInstance {
  const outputs = Object.entries({ quote, ...machine }).map(([name, value]) => [name, outputOf(value)]);
  return Object.fromEntries(outputs) as VastInstance;
}

function outputOf(value: unknown): pulumi.Output<unknown> {
  const isKnown = value !== UNKNOWN;
  type Make = new (...parts: unknown[]) => pulumi.Output<unknown>;
  const Output = pulumi.Output as unknown as Make;
  return new Output(
    new Set(),
    Promise.resolve(value),
    Promise.resolve(isKnown),
    Promise.resolve(false),
    Promise.resolve(new Set()),
  );
}

const there = { instanceId: "7", gpu: "H100 SXM", gpus: 2, location: "Texas, US", pricePerHour: 2.5 };
const notThere = { instanceId: UNKNOWN, gpu: UNKNOWN, gpus: UNKNOWN, location: UNKNOWN, pricePerHour: UNKNOWN };

/** The outputs that Pulumi prints. */
async function printed(machine: object, moved: unknown = null): Promise<Record<string, unknown>> {
  const bid = { moved: outputOf(moved) } as Rented["bid"];
  const sshCommand = outputOf("ssh vast-7") as pulumi.Output<string>;
  const { __run, ...shown } = await stackOutputs({ instance: instance(machine), bid }, "dev", { sshCommand });
  return new Promise((resolve) => void pulumi.output(shown).apply((values) => resolve({ ...values })));
}

const rest = { end: "pulumi destroy -s dev", watch: ownCommand("logs -f -s dev") };

test("a machine that is there costs what it costs, one that is not what is quoted", async () => {
  const named = { instanceId: "7", sshCommand: "ssh vast-7" };
  assert.deepEqual(await printed(there), { cost: "$2.500/h, 2x H100 SXM in Texas, US", ...named, ...rest });
  assert.deepEqual(await printed(notThere), { cost: costText(quote), ...rest });
});

test("after a new bid the machine costs what is bid, until a refresh has read that", async () => {
  const cost = async (moved: unknown) => (await printed(there, moved)).cost;
  assert.equal(await cost({ from: 2.5, to: 2.75 }), "$2.750/h, 2x H100 SXM in Texas, US");
  assert.equal(await cost({ from: 2.25, to: 2.5 }), "$2.500/h, 2x H100 SXM in Texas, US");
  assert.equal(await cost({ from: 2, to: 2.25 }), "$2.500/h, 2x H100 SXM in Texas, US", "an earlier one");
  assert.equal(await cost(UNKNOWN), "$2.500/h, 2x H100 SXM in Texas, US", "in the preview of a new bid");
  assert.equal(await cost(undefined), "$2.500/h, 2x H100 SXM in Texas, US", "an older state");
});

test("a preview without a quote says nothing of it: Pulumi would print [unknown]", async () => {
  assert.deepEqual(await printed({ ...notThere, quote: null }), rest);
  assert.deepEqual(await printed({ ...notThere, quote: undefined }), rest);
  assert.deepEqual(await printed({ ...notThere, quote: UNKNOWN }), rest);
});

test("a line of the outputs fits in 80 columns", () => {
  const long = { gpu: "RTX PRO 6000 WS", gpus: 16, location: "Pennsylvania, US", totalPerHour: 112.345 };
  assert.ok(`    cost : "${costText(long)}"`.length < 80);
});
