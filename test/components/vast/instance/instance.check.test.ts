import assert from "node:assert/strict";
import { test } from "node:test";
import { readConfig } from "../../../../components/config/config.ts";
import { vastError } from "../../../../components/vast/client/errors.ts";
import { type CheckMeans, checkInstance } from "../../../../components/vast/instance/instance.check.ts";
import type { CheckedInputs } from "../../../../components/vast/instance/instance.outputs.ts";
import { UNKNOWN_PULL } from "../../../../components/vast/ledger/pull.ts";
import { choose } from "../../../../components/vast/market/choice.ts";
import { type Quote, quoteOf } from "../../../../components/vast/market/quote.ts";
import { criteria, label, request } from "../../../support/request.ts";
import { instance, offer } from "../../../support/rows.ts";

const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const { image, publicKeys } = request;
const inputs = {
  ...criteria,
  apiUrl: "",
  apiKeyFile: "",
  label,
  image,
  publicKeys,
  sshKeyFile: "",
  readyTimeoutMinutes: { machine: 30, total: 60 },
};
const choices = choose(
  [offer(), offer({ id: 2, machine_id: 2, min_bid: 2, dph_base: 2, dph_total: 2.03 })],
  "H100 SXM",
  criteria,
);

function means(changes: Partial<CheckMeans> = {}) {
  const calls: string[] = [];
  const said: string[] = [];
  const kept: Quote[] = [];
  const note = <T>(name: string, value: T) => {
    calls.push(name);
    return value;
  };
  const all: CheckMeans = {
    market: async () => note("market", { choices, passedOver: "", onDemandTotal: null, excluded: "", blame: null }),
    pull: async () => UNKNOWN_PULL,
    left: async () => undefined,
    account: async () => note("account", { id: "1", email: null, credit: 20 }),
    imageTrouble: async () => note("image", undefined),
    kept: () => undefined,
    keep: (_asked, quote) => void kept.push(quote),
    known: async () => "",
    say: async (text) => void said.push(text),
    ...changes,
  };
  return { ...all, calls, said, keptQuotes: kept };
}

test("a new instance is quoted, from one search", async () => {
  const world = means();
  const { inputs: checked, failures } = await checkInstance({}, { ...inputs, gpu: "h100_sxm" }, world);
  assert.deepEqual(failures, []);
  assert.equal(checked.gpu, "H100 SXM");
  assert.deepEqual(checked.quote, choices[0] && quoteOf(choices[0]));
  assert.deepEqual(world.calls, ["market", "account", "image"]);
  assert.deepEqual(world.keptQuotes, [checked.quote]);
  assert.match(world.said.join(), /^1x H100 SXM in Texas, US/);
});

test("where up would take over a machine of an earlier run, that one is named, and no market is asked", async () => {
  const left = instance({ id: 77, gpu_name: "H100 SXM", num_gpus: 1, geolocation: "Texas, US" });
  const world = means({ left: async (asked) => (asked === label ? left : undefined) });
  const { inputs: checked, failures } = await checkInstance({}, inputs, world);
  assert.deepEqual([checked.quote, failures, world.calls], [null, [], []]);
  assert.match(
    world.said.join(),
    /^instance 77 of an earlier run is taken over: 1x H100 SXM in Texas, US, \$\d+\.\d{3}\/h$/,
  );
});

test("an image that no machine could pull is told before anything is promised", async () => {
  const world = means({ imageTrouble: async ({ image }) => `${image} is gone` });
  const { inputs: checked, failures } = await checkInstance({}, inputs, world);
  assert.deepEqual(failures, [{ property: "image", reason: `${image} is gone` }]);
  assert.equal(checked.quote, null);
  const unknown = await checkInstance({}, { ...inputs, image: UNKNOWN, imageBytes: UNKNOWN }, world);
  assert.ok(unknown.inputs.quote, "what is yet to be built cannot be asked for");
});

test("without searches nothing is quoted, and image and account are looked at all the same", async () => {
  const refused = vastError("search_quota", "POST /x/: no more searches until midnight", { resetsAt: 1 });
  const market = () => Promise.reject(refused);
  const world = means({ market });
  assert.deepEqual(await checkInstance({}, inputs, world), { inputs: { ...inputs, quote: null }, failures: [] });
  assert.match(world.said.join(), /nothing is quoted: POST \/x\/: no more searches until midnight$/);
  const gone = await checkInstance({}, inputs, means({ market, imageTrouble: async () => "gone" }));
  assert.deepEqual(gone.failures, [{ property: "image", reason: "gone" }]);
  const auth = () => Promise.reject(vastError("auth", "no key"));
  assert.equal((await checkInstance({}, inputs, means({ market, account: auth }))).failures[0]?.property, "apiKeyFile");
});

test("what is known of the machine is said beside the quote, and who is passed over", async () => {
  const known = async ({ machineId }: Quote) => `machine ${machineId}: served once, 2 h`;
  const passedOver = "passed over for a week: machine 9: failed 2 d 0 h ago (no ssh)";
  const market = async () => ({ choices, passedOver, onDemandTotal: null, excluded: "", blame: null });
  const world = means({ known, market });
  await checkInstance({}, inputs, world);
  const line = `machine ${choices[0]?.machineId}: served once, 2 h`;
  assert.deepEqual(world.said.slice(1), [line, passedOver]);
  const kept = choices[0] && quoteOf(choices[0]);
  const again = means({ known, kept: () => kept });
  await checkInstance({}, inputs, again);
  assert.deepEqual(again.said.slice(1), [line], "the run after the preview as well");
});

test("what a preview has just promised is promised again, without a search", async () => {
  const kept = choices[1] && quoteOf(choices[1]);
  const world = means({ kept: () => kept });
  assert.deepEqual((await checkInstance({}, inputs, world)).inputs.quote, kept);
  assert.deepEqual(world.calls, []);
});

test("later runs keep what was promised, and ask nobody", async () => {
  const world = means();
  const [quote] = choices.map((choice) => quoteOf(choice));
  const olds = { ...inputs, quote } as CheckedInputs;
  assert.deepEqual((await checkInstance(olds, { ...inputs, maxPricePerHour: 9 }, world)).inputs.quote, quote);
  assert.equal((await checkInstance({ ...olds, quote: null }, inputs, world)).inputs.quote, null);
  assert.deepEqual(world.calls, []);
});

test("what is not known yet is guarded, field by field", async () => {
  const world = means();
  const unknownLabel = await checkInstance({}, { ...inputs, label: UNKNOWN, publicKeys: UNKNOWN }, world);
  assert.deepEqual(unknownLabel.failures, []);
  assert.ok(unknownLabel.inputs.quote, "the label is not needed for a quote");
  for (const name of Object.keys(criteria)) {
    const other = means();
    const { inputs: checked, failures } = await checkInstance({}, { ...inputs, [name]: UNKNOWN }, other);
    assert.deepEqual([failures, checked.quote, other.calls], [[], null, []], name);
  }
});

test("Vast cannot be asked: no promise, no failure, and it is said", async () => {
  for (const kind of ["unreachable", "server", "rate_limited"] as const) {
    const world = means({ market: async () => Promise.reject(vastError(kind, "no answer")) });
    const { inputs: checked, failures } = await checkInstance({}, inputs, world);
    assert.deepEqual([checked.quote, failures], [null, []]);
    assert.match(world.said.join(), /the market cannot be asked now, so nothing is quoted: no answer/);
  }
});

const failures: [what: string, changes: Partial<CheckMeans>, property: string, reason: RegExp][] = [
  [
    "no key",
    { account: async () => Promise.reject(vastError("no_key", "no Vast API key")) },
    "apiKeyFile",
    /no Vast API key/,
  ],
  [
    "a key that is refused",
    { market: async () => Promise.reject(vastError("auth", "refused")) },
    "apiKeyFile",
    /refused/,
  ],
  ["no simulator", { market: async () => Promise.reject(vastError("config", "none is running")) }, "apiUrl", /none/],
  [
    "nothing fits",
    {
      market: async () => ({
        choices: [],
        passedOver: "",
        onDemandTotal: null,
        excluded: "none of 3 offers fits",
        blame: "minReliability",
      }),
    },
    "minReliability",
    /none of 3/,
  ],
  [
    "no credit for an hour",
    { account: async () => ({ id: "1", email: null, credit: 1.2 }) },
    "maxPricePerHour",
    /the account has \$1\.20, less than one hour of the best offer \(\$1\.8\d\d\/h\)/,
  ],
];

for (const [what, changes, property, reason] of failures) {
  test(`a failure: ${what}`, async () => {
    const found = await checkInstance({}, inputs, means(changes));
    assert.deepEqual(
      found.failures.map((failure) => failure.property),
      [property],
    );
    assert.match(found.failures[0]?.reason ?? "", reason);
    assert.equal(found.inputs.quote, null);
  });
}

test("a disk has 8 to 64000 GB, as in a stack config", async () => {
  for (const [diskGb, isFine] of [
    [7, false],
    [8, true],
    [64_000, true],
    [64_001, false],
  ] as const) {
    const { failures } = await checkInstance({}, { ...inputs, diskGb }, means());
    assert.equal(failures.length === 0, isFine, `${diskGb}`);
    assert.equal(readConfig({ diskGb: String(diskGb) }).problems.length === 0, isFine, `${diskGb} in a stack config`);
  }
});

test("what decides about an offer has the defaults of the stack config, but what it may cost", async () => {
  const { label, image, publicKeys, sshKeyFile, apiUrl, apiKeyFile, readyTimeoutMinutes } = inputs;
  const least = { label, image, publicKeys, sshKeyFile, apiUrl, apiKeyFile, readyTimeoutMinutes };
  const { config } = readConfig({});
  const { inputs: checked } = await checkInstance({}, { ...least, maxPricePerHour: 3.5 } as never, means());
  for (const name of Object.keys(criteria) as (keyof typeof config & keyof typeof checked)[])
    assert.deepEqual(checked[name], config[name], name);
  const { failures } = await checkInstance({}, least as never, means());
  assert.deepEqual(failures, [
    { property: "maxPricePerHour", reason: "found nothing; write dollars an hour from 0.001 to 1000" },
  ]);
});

test("every input that is wrong is named at once, and nobody is asked", async () => {
  const world = means();
  const wrong = {
    ...inputs,
    gpu: "",
    gpus: 0,
    rental: "spot",
    maxPricePerHour: -1,
    diskGb: 1.5,
    verified: "yes",
    label: "a b",
    image: "no image",
    publicKeys: ["ssh-ed25519 AAAA\nssh-ed25519 BBBB"],
    readyTimeoutMinutes: { machine: 9, total: 3 },
    onstart: "x".repeat(3000),
  };
  const found = await checkInstance({}, wrong as never, world);
  const reasons = Object.fromEntries(found.failures.map(({ property, reason }) => [property, reason]));
  assert.equal(reasons.gpus, "found 0; write a whole number of GPUs from 1 to 64");
  assert.equal(reasons.rental, 'found "spot"; write interruptible or on-demand');
  assert.match(reasons.readyTimeoutMinutes ?? "", /^found \{"machine":9,"total":3\}; write minutes/);
  assert.deepEqual(found.failures.map(({ property }) => property).toSorted(), [
    "diskGb",
    "gpu",
    "gpus",
    "image",
    "label",
    "maxPricePerHour",
    "onstart",
    "publicKeys",
    "readyTimeoutMinutes",
    "rental",
    "verified",
  ]);
  assert.deepEqual(world.calls, []);
});

test("what machines have of the image is asked of the pinned image and base, and counts in market and quote", async () => {
  const pinned = { image: `a/b@sha256:${"1".repeat(64)}`, cachedBase: `c/d@sha256:${"2".repeat(64)}` };
  const pull = { bytes: 15e9, besideBase: 1e9, onMachines: new Map([[2, 0]]) };
  const asked: unknown[] = [];
  const world = means({
    pull: async (image) => {
      asked.push(image);
      return pull;
    },
    market: async (_criteria, given) => {
      assert.equal(given, pull);
      return { choices, passedOver: "", onDemandTotal: null, excluded: "", blame: null };
    },
    kept: (key) => void asked.push(key),
  });
  const { inputs: checked } = await checkInstance({}, { ...inputs, ...pinned, imageBytes: 15e9 }, world);
  assert.equal(checked.quote?.cachedPullOf, "base");
  const { cachedBase } = pinned;
  const wanted = { ...criteria, gpu: "H100 SXM" };
  assert.deepEqual(asked, [
    { criteria: wanted, imageBytes: 15e9, cachedBase },
    { ...pinned, imageBytes: 15e9 },
  ]);
});

test("without a base a quote is asked for as by an earlier version, whose quote is good", async () => {
  const keys: unknown[] = [];
  const world = means({ kept: (key) => void keys.push(key) });
  for (const cachedBase of [undefined, ""]) {
    await checkInstance({}, { ...inputs, ...(cachedBase === undefined ? {} : { cachedBase }) }, world);
  }
  const key = { criteria: { ...criteria, gpu: "H100 SXM" }, imageBytes: null };
  assert.deepEqual(keys, [key, key]);
});
