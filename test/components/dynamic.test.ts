import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { isUnknown, lifecycle, partialFailure, stub, toOutputs, withoutStack } from "../../components/dynamic.ts";

const entry = "./components/revision.provider.ts";

async function serialised(provider: pulumi.dynamic.ResourceProvider): Promise<string> {
  return (await pulumi.runtime.serializeFunction(() => provider)).text;
}

/** What Pulumi's own process does with the text. */
function loaded(text: string): pulumi.dynamic.ResourceProvider {
  const module = { exports: {} as { handler: () => pulumi.dynamic.ResourceProvider } };
  const require = createRequire(import.meta.url);
  const files = new Map([[entry, new URL("./dynamic.fixture.ts", import.meta.url).href]]);
  const here = text.replaceAll(entry, files.get(entry) ?? "");
  new Function("exports", "require", here)(module.exports, require);
  return module.exports.handler();
}

test("a stub is serialised small, with nothing in it but the file to load", async () => {
  const text = await serialised(stub(entry));
  assert.ok(text.length < 2500, `${text.length} bytes`);
  const other = await serialised(stub("./components/other.ts"));
  assert.equal(text.replaceAll(entry, ""), other.replaceAll("./components/other.ts", ""));
  assert.doesNotMatch(text, /process|axios|zod|\/root|\/home/);
  assert.equal(stub(entry), stub(entry));
});

test("a serialised stub loads the file when it is called", async () => {
  const provider = loaded(await serialised(stub(entry)));
  assert.deepEqual(await provider.create({ a: 1 }), { id: "made", outs: { a: 1 } });
  assert.deepEqual(await provider.check?.({}, { a: 1 }), { inputs: { a: 1 } });
  assert.deepEqual(await provider.diff?.("made", {}, {}), {});
  assert.deepEqual(await provider.read?.("made", { a: 1 }), { id: "made", props: { a: 1 } });
  assert.deepEqual(await provider.update?.("made", {}, { a: 2 }), { outs: { a: 2 } });
  await assert.rejects(async () => provider.delete?.("made", {}), /not today/);
});

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
