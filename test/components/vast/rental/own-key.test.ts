import assert from "node:assert/strict";
import { test } from "node:test";
import type { VastClient } from "../../../../components/vast/client/client.ts";
import type { Means } from "../../../../components/vast/ready/means.ts";
import { registerOwnKey } from "../../../../components/vast/rental/own-key.ts";
import { type Exchange, scriptedApi } from "../../../support/scripted-api.ts";

const LIST = "GET /api/v0/ssh/";
const ADD = "POST /api/v0/ssh/";
const KEY = "ssh-ed25519 AAAA vast-training";

const answers = (ask: string, status: number, body: unknown): Exchange => ({ ask, answer: { status, body } });
const meansOf = (client: VastClient) => ({ client }) as unknown as Means;

const refusals: [what: string, Exchange[]][] = [
  [
    "a team's account has no keys",
    [answers(LIST, 403, { error: "team_ssh_keys_not_supported", msg: "Teams have none." })],
  ],
  [
    "two-factor authentication is wanted",
    [answers(LIST, 200, []), answers(ADD, 401, { error: "auth_error", msg: "Two Factor Authentication is required" })],
  ],
  ["the API key may not do this", [answers(LIST, 403, { error: "forbidden", msg: "not permitted" })]],
  ["the key is refused", [answers(LIST, 200, []), answers(ADD, 400, { error: "invalid_args", msg: "bad key" })]],
];

for (const [what, script] of refusals) {
  test(`renting goes on when ${what}`, async (t) => {
    const { client } = await scriptedApi(t, ...script);
    await registerOwnKey(meansOf(client), [KEY]);
  });
}

test("a key that the account has is not registered again, in whatever field and with whatever comment it is listed", async (t) => {
  for (const listed of [
    { public_key: "ssh-ed25519  AAAA other" },
    { key: "ssh-ed25519 AAAA" },
    { ssh_key: `${KEY}\n` },
  ]) {
    const { client, asked } = await scriptedApi(t, answers(LIST, 200, [{ id: 1, ...listed }]));
    await registerOwnKey(meansOf(client), [KEY]);
    assert.equal(asked.length, 1);
  }
});

test("another type or body is another key", async (t) => {
  const others = [
    { id: 1, public_key: "ssh-rsa AAAA vast-training" },
    { id: 2, public_key: "ssh-ed25519 AAAB" },
  ];
  const { client, asked } = await scriptedApi(
    t,
    answers(LIST, 200, others),
    answers(ADD, 200, { success: true, key: {} }),
  );
  await registerOwnKey(meansOf(client), [KEY, "ssh-ed25519 CCCC of the agent"]);
  assert.deepEqual(asked[1]?.body, { ssh_key: KEY }, "the agent's keys are no business of the account");
});
