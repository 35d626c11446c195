import assert from "node:assert/strict";
import { test } from "node:test";
import { isUnknown, lifecycle, partialFailure, toOutputs, withoutStack } from "../../../components/pulumi/lifecycle.ts";

test("outputs are what the engine can take", () => {
  const made = toOutputs({
    text: "a",
    missing: undefined,
    big: 12345678901234567890n,
    date: new Date(0),
    odd: Number.NaN,
    call: () => 1,
    list: [undefined, { inner: undefined }],
  });
  assert.deepEqual(made, {
    text: "a",
    big: "12345678901234567890",
    date: "1970-01-01T00:00:00.000Z",
    odd: null,
    list: [null, {}],
  });
});

test("a partial failure holds id, outputs, provider and reason", () => {
  const failure = partialFailure("7", { a: 1, b: undefined }, { __provider: "code", secret: "x" }, new Error("late"));
  assert.equal(failure.id, "7");
  assert.deepEqual(failure.properties, { a: 1, __provider: "code" });
  assert.deepEqual(failure.reasons, ["late"]);
  assert.deepEqual(partialFailure("7", {}, {}, "odd").properties, {});
});

test("an error of the user's prints as one line, a mistake of ours with its stack", async () => {
  assert.equal(withoutStack(new Error("no key")).stack, "");
  assert.notEqual(withoutStack(new TypeError("oops")).stack, "");
  assert.equal(withoutStack("text").message, "text");
  const { create, update } = lifecycle({
    create: async () => ({ id: "1", outs: { a: undefined } }),
    update: async () => {
      throw new Error("no");
    },
  });
  assert.deepEqual(await create(), { id: "1", outs: {} });
  await assert.rejects(update(), { message: "no", stack: "" });
});

test("the engine's sign for a value that is not known yet", () => {
  assert.ok(isUnknown("04da6b54-80e4-46f7-96ec-b56ff0331ba9"));
  assert.ok(!isUnknown(undefined) && !isUnknown(""));
});
