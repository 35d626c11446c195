import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type ImageTrouble,
  imageTroubleIn,
  imageTroubleText,
} from "../../../../components/vast/client/image-trouble.ts";

const cases: [message: string, trouble: ImageTrouble | undefined, advice: RegExp][] = [
  ["manifest for a/b:c not found: manifest unknown", "none", /no image of that name, or not this tag; set image/],
  ['failed to resolve reference "docker.io/a/b:c": docker.io/a/b:c: not found', "none", /set image to one that exists/],
  ["pull access denied for a/b, repository does not exist", "denied", /private and needs a login.*registryUser/],
  ["unauthorized: authentication required", "denied", /private/],
  [
    "toomanyrequests: You have reached your pull rate limit",
    "limited",
    /no more pulls for now; when others fare no better, try again in some hours, or set image to a copy/,
  ],
  ["failed to register layer: unexpected EOF", undefined, /./],
  ["5c2bf2a3b1c6: Pulling fs layer", undefined, /./],
];

for (const [message, trouble, advice] of cases) {
  test(`"${message}" is ${trouble ?? "no"} trouble with the image`, () => {
    assert.equal(imageTroubleIn(message), trouble);
    assert.match(imageTroubleText("a/b:c", message), advice);
    assert.ok(imageTroubleText("a/b:c", message).startsWith("image a/b:c cannot be pulled: "));
  });
}
