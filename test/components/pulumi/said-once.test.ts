import assert from "node:assert/strict";
import { test } from "node:test";
import { lifecycle } from "../../../components/pulumi/lifecycle.ts";
import { sayOnce } from "../../../components/pulumi/said-once.ts";

test("what the engine is given is not printed as well, and everything else is", async () => {
  const printed: unknown[] = [];
  const output = { error: (...values: unknown[]) => void printed.push(...values) };
  sayOnce(output);
  const refuse = async () => {
    throw new Error("instance 7 is kept");
  };
  const slip = async () => {
    throw new TypeError("x is no function");
  };
  const { delete: refused, read: slipped } = lifecycle({
    create: async () => ({ id: "7" }),
    delete: refuse,
    read: async () => slip(),
  });
  /** As Pulumi's server does with what a method throws. */
  const served = (call: Promise<unknown>) => call.catch((error: Error) => output.error(`${error}: ${error.stack}`));
  await served(refused());
  await served(slipped());
  output.error("another line");
  assert.equal(printed.length, 2);
  assert.match(String(printed[0]), /^TypeError: x is no function: [\s\S]*said-once\.test\.ts/);
  assert.equal(printed[1], "another line");
});
