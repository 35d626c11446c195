import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { entryOf } from "../../../components/pulumi/addresses.ts";
import { stub } from "../../../components/pulumi/stub.ts";

const entry = entryOf("revision");

async function serialised(provider: pulumi.dynamic.ResourceProvider): Promise<string> {
  return (await pulumi.runtime.serializeFunction(() => provider)).text;
}

/** What Pulumi's own process does with the text. */
function loaded(text: string): pulumi.dynamic.ResourceProvider {
  const module = { exports: {} as { handler: () => pulumi.dynamic.ResourceProvider } };
  const require = createRequire(import.meta.url);
  const files = new Map([[entry, new URL("./stub.fixture.ts", import.meta.url).href]]);
  const here = text.replaceAll(entry, files.get(entry) ?? "");
  new Function("exports", "require", here)(module.exports, require);
  return module.exports.handler();
}

test("a stub is serialised small, with nothing in it but the file to load", async () => {
  const text = await serialised(stub("revision"));
  assert.ok(text.length < 2500, `${text.length} bytes`);
  const other = await serialised(stub("bid"));
  assert.equal(text.replaceAll(entry, ""), other.replaceAll(entryOf("bid"), ""));
  assert.doesNotMatch(text, /process|axios|zod|\/root|\/home/);
  assert.equal(stub("revision"), stub("revision"));
});

test("a serialised stub loads the file when it is called", async () => {
  const provider = loaded(await serialised(stub("revision")));
  assert.deepEqual(await provider.create({ a: 1 }), { id: "made", outs: { a: 1 } });
  assert.deepEqual(await provider.check?.({}, { a: 1 }), { inputs: { a: 1 } });
  assert.deepEqual(await provider.diff?.("made", {}, {}), {});
  assert.deepEqual(await provider.read?.("made", { a: 1 }), { id: "made", props: { a: 1 } });
  assert.deepEqual(await provider.update?.("made", {}, { a: 2 }), { outs: { a: 2 } });
  await assert.rejects(async () => provider.delete?.("made", {}), /not today/);
});
