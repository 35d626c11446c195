import assert from "node:assert/strict";
import { test } from "node:test";
import { readChallenge } from "../../../components/registry/challenge.ts";

test("a challenge is read in any of its spellings", () => {
  const bearer = (realm: string, service?: string) => ({ scheme: "bearer", realm, service });
  const cases: [string | undefined, unknown][] = [
    [undefined, undefined],
    ["Negotiate", undefined],
    ["Bearer", undefined],
    ["Basic", { scheme: "basic" }],
    ['basic realm="a"', { scheme: "basic" }],
    ['Bearer realm="https://a/b?c=d,e",service="s",scope="x:y:pull,push"', bearer("https://a/b?c=d,e", "s")],
    ["bearer service=s, realm=https://a", bearer("https://a", "s")],
  ];
  for (const [header, expected] of cases) assert.deepEqual(readChallenge(header), expected, header);
});
