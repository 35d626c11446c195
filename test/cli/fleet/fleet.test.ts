import assert from "node:assert/strict";
import { test } from "node:test";
import { type OpenIntent, targetsOf } from "../../../cli/fleet/fleet.ts";
import { typeOf } from "../../../components/pulumi/addresses.ts";

const HERE = { apiUrl: "simulator", apiKeyFile: "" };
const THERE = { apiUrl: "http://127.0.0.1:1", apiKeyFile: "/k" };

test("every API that a state or an intent names is looked at once, and nothing of an intent comes with it", () => {
  const outputs = { ...HERE, label: "vt-a" };
  const stack = { name: "dev", resources: [{ type: typeOf("instance"), urn: "u", outputs }] };
  const intents = [HERE, THERE].map((api) => ({ ...api, label: "vt-b", pid: 1 }) as OpenIntent);
  assert.deepEqual(targetsOf([stack], intents), [HERE, THERE]);
  assert.deepEqual(targetsOf([], intents), [HERE, THERE]);
});

test("where nothing is named it is Vast itself", () => {
  assert.deepEqual(targetsOf([], []), [{ apiUrl: "", apiKeyFile: "" }]);
});
