import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import type { dynamic } from "@pulumi/pulumi";
import { entryOf } from "../../../components/pulumi/addresses.ts";
import { stub } from "../../../components/pulumi/stub.ts";

const entry = entryOf("revision");

/** What Pulumi's own process does with the text. */
function loaded(text: string): dynamic.ResourceProvider {
  const module = { exports: {} as { handler: () => dynamic.ResourceProvider } };
  const require = createRequire(import.meta.url);
  const files = new Map([[entry, new URL("./stub.fixture.ts", import.meta.url).href]]);
  const here = text.replaceAll(entry, files.get(entry) ?? "");
  new Function("exports", "require", here)(module.exports, require);
  return module.exports.handler();
}

test("a stub is small, with nothing in it but the file to load", () => {
  const text = stub("revision");
  assert.ok(text.length < 1000, `${text.length} bytes`);
  assert.equal(text.replaceAll(entry, ""), stub("bid").replaceAll(entryOf("bid"), ""));
  assert.doesNotMatch(text, /process|axios|zod|\/root|\/home/);
});

test("a stub loads the file when it is called", async () => {
  const provider = loaded(stub("revision"));
  assert.deepEqual(await provider.create({ a: 1 }), { id: "made", outs: { a: 1 } });
  assert.deepEqual(await provider.check?.({}, { a: 1 }), { inputs: { a: 1 } });
  assert.deepEqual(await provider.diff?.("made", {}, {}), {});
  assert.deepEqual(await provider.read?.("made", { a: 1 }), { id: "made", props: { a: 1 } });
  assert.deepEqual(await provider.update?.("made", {}, { a: 2 }), { outs: { a: 2 } });
  await assert.rejects(async () => provider.delete?.("made", {}), /not today/);
});
