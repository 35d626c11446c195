import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { VastClient } from "../../../../components/vast/client/client.ts";
import { isVastError } from "../../../../components/vast/client/errors.ts";
import { accountIdOf, ensureSameAccount, type Renter } from "../../../../components/vast/client/same-account.ts";
import { clientOn } from "../../../support/means.ts";
import { renting } from "../../../support/renting.ts";

const USER = "GET /users/current/";
const unseen = { what: "instance 7", name: 7 };
const OVERRIDE = /VAST_ACCOUNT_IS_SAME=7 before the command$/;

/** An account with two keys, and a key of another account. */
async function keys(t: TestContext) {
  const { simulator, means } = await renting(t);
  const { account, faults } = simulator.world;
  account.otherKeys = [
    { key: "rotated", accountId: account.id },
    { key: "stranger", accountId: 5 },
  ];
  const client = (key: string) => {
    const api = { url: simulator.url, key: () => key, keySource: "a test" };
    return clientOn({ api, clock: means.clock });
  };
  const [first, rotated, stranger] = [client(simulator.apiKey), client("rotated"), client("stranger")];
  const renter: Renter = { accountId: String(account.id), keyFingerprint: first.keyFingerprint("n0nce") };
  const asked = () => simulator.world.requests.filter(({ endpoint }) => endpoint === USER).length;
  const meets = (fault: string) => faults.add({ on: USER, do: fault, times: 0 });
  return { first, rotated, stranger, renter, asked, meets, heals: () => faults.clear() };
}

const same = (client: VastClient, renter: Partial<Renter>, said?: string) =>
  ensureSameAccount(client, unseen, renter, said === undefined ? {} : { VAST_ACCOUNT_IS_SAME: said });

test("the key that rented it is the same account, also when it may not read the user", async (t) => {
  const { first, renter, asked, meets } = await keys(t);
  meets("forbidden403");
  await same(first, renter);
  await same(first, { ...renter, accountId: "" });
  assert.equal(asked(), 0, "nobody need be asked");
});

test("another key of the same account is, once Vast says whose it is", async (t) => {
  const { rotated, renter, meets } = await keys(t);
  await same(rotated, renter);
  await same(rotated, { accountId: renter.accountId });
  meets("forbidden403");
  await assert.rejects(
    same(rotated, renter),
    /may read the user \(user_read\), or when you know .*VAST_ACCOUNT_IS_SAME=7/,
  );
});

test("another account's key is not, whatever the user says", async (t) => {
  const { stranger, renter } = await keys(t);
  for (const said of [undefined, "7"]) {
    const foreign = /instance 7 was rented by account \d+, and the key is account 5's, which cannot see it/;
    await assert.rejects(same(stranger, renter, said), foreign);
  }
});

const silences: [fault: string, kind: "forbidden" | "auth" | "server" | "unreachable"][] = [
  ["forbidden403", "forbidden"],
  ["authError401", "auth"],
  ["authError404", "auth"],
  ["serverErrorBefore", "server"],
  ["resetBefore", "unreachable"],
  ["empty200", "server"],
];

for (const [fault, kind] of silences) {
  test(`whose key it is cannot be known after ${fault}: nothing is gone, but by the user's word for this one`, async (t) => {
    const { stranger, renter, meets } = await keys(t);
    meets(fault);
    await assert.rejects(same(stranger, renter), (error) => isVastError(error, kind) && OVERRIDE.test(error.message));
    await assert.rejects(same(stranger, renter, "8"), OVERRIDE, "not by a word for another");
    await assert.rejects(same(stranger, renter, ""), OVERRIDE);
    await same(stranger, renter, "7");
  });
}

test("where nothing was noted, nothing is gone, and no key can tell", async (t) => {
  const { first, stranger, renter, asked } = await keys(t);
  const nothing: Partial<Renter>[] = [{}, { accountId: "", keyFingerprint: "" }];
  for (const noted of nothing)
    await assert.rejects(same(first, noted), /which account rented it was not noted; when you/);
  const { keyFingerprint } = renter;
  await assert.rejects(
    same(stranger, { keyFingerprint }),
    /use the key that rented it, or when .*VAST_ACCOUNT_IS_SAME=7/,
  );
  await assert.rejects(same(stranger, { keyFingerprint: "torn" }), OVERRIDE);
  await same(stranger, {}, "7");
  assert.equal(asked(), 0);
});

test("where no id is known the user names the label", async (t) => {
  const { first } = await keys(t);
  const intent = { what: "what was being rented as vt-a-1", name: "vt-a-1" };
  await assert.rejects(ensureSameAccount(first, intent, {}, {}), /VAST_ACCOUNT_IS_SAME=vt-a-1 before/);
  await ensureSameAccount(first, intent, {}, { VAST_ACCOUNT_IS_SAME: "vt-a-1" });
});

test("whose key it is when something is rented; a refused key ends that", async (t) => {
  const { first, stranger, renter, meets, heals } = await keys(t);
  assert.deepEqual([await accountIdOf(first), await accountIdOf(stranger)], [renter.accountId, "5"]);
  meets("forbidden403");
  assert.equal(await accountIdOf(first), "");
  heals();
  meets("authError401");
  await assert.rejects(accountIdOf(first), /key of a test is refused/);
});
