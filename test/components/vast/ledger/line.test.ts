import assert from "node:assert/strict";
import { test } from "node:test";
import { learnSecrets } from "../../../../components/lib/secrets.ts";
import { lineFrom, markOfApi, publicWords } from "../../../../components/vast/ledger/line.ts";

const NOW = 1_800_000_000_000;
const line = { at: NOW, api: markOfApi("https://x"), machineId: 41907, gpus: 1, what: "fault", words: "no ssh" };
const read = (changes: object) => lineFrom(JSON.stringify({ ...line, ...changes }), NOW);

test("what we write is read", () => {
  const lines = [
    line,
    { ...line, what: "ready", words: undefined, bootSeconds: 90, pullMbps: 812.5 },
    { ...line, what: "ready", words: undefined, bootSeconds: 90, onDemand: { perHour: 2.1, at: NOW } },
    { ...line, what: "ready", words: undefined, bootSeconds: 90, pulled: `sha256:${"0a".repeat(32)}` },
    { ...line, what: "served", words: undefined, hours: 1, pulled: `sha256:${"0a".repeat(32)}` },
    { ...line, what: "outbid", words: undefined },
    { ...line, what: "served", words: undefined, hours: 41.25 },
  ].map((each) => JSON.stringify(each));
  for (const text of lines) assert.deepEqual(lineFrom(text, NOW), JSON.parse(text));
});

const hostile: [what: string, changes: object][] = [
  ["of a time to come", { at: NOW + 301_000 }],
  ["of no time", { at: null }],
  ["of a time that is text", { at: "now" }],
  ["of a fraction of a time", { at: NOW - 0.5 }],
  ["of a time that no number holds", { at: 1e300 }],
  ["before all times", { at: -1 }],
  ["with a price of a time to come", { onDemand: { perHour: 1, at: NOW + 301_000 } }],
  ["with a price below nothing", { onDemand: { perHour: -1, at: NOW } }],
  ["with a price that is text", { onDemand: "1" }],
  ["of a machine that is text", { machineId: "41907" }],
  ["of no machine", { machineId: 0 }],
  ["of half a machine", { machineId: 1.5 }],
  ["of no GPUs", { gpus: 0 }],
  ["of more GPUs than there are", { gpus: 1e6 }],
  ["of an API that is none", { api: "../../etc" }],
  ["of a kind that is none", { what: "constructor" }],
  ["of a list of kinds", { what: ["fault"] }],
  ["without words", { words: undefined }],
  ["with words that are none", { words: { toString: "x" } }],
  ["longer than a line of ours", { words: "x".repeat(2000) }],
  ["that served for ever", { what: "served", hours: 1e9 }],
  ["that served less than nothing", { what: "served", hours: -1 }],
  ["that booted in no number", { what: "ready", bootSeconds: "90" }],
  ["of an image that has a name", { what: "ready", bootSeconds: 9, pulled: "me/private-thing:v1" }],
  ["of an image that is no text", { what: "served", hours: 1, pulled: ["sha256:0"] }],
  ["that pulls at no speed", { what: "ready", bootSeconds: 9, pullMbps: 0 }],
];

for (const [what, changes] of hostile)
  test(`a line ${what} is none`, () => {
    assert.ok(read({}), "without that it is one");
    assert.equal(read(changes), undefined);
  });

test("text that is no JSON, and JSON that is no line, are none", () => {
  for (const text of ["", "{", "null", "[]", "7", '"fault"', "{}", "[".repeat(900), "\u0000"])
    assert.equal(lineFrom(text, NOW), undefined);
});

test("the words of others do nothing to a terminal, are cut, and bring nothing along", () => {
  const words = `\u001b[2J\u0007red\u202e\n${"x".repeat(500)}`;
  const found = read({ words, __proto__: { bad: 1 }, more: 1 });
  assert.match(found?.what === "fault" ? found.words : "", /^red x{155}…$/);
  assert.deepEqual(Object.keys(found ?? {}).sort(), ["api", "at", "gpus", "machineId", "what", "words"]);
});

test("clocks that differ by minutes are no reason to forget", () => {
  assert.ok(read({ at: NOW + 299_000 }));
});

test("what is noted of a fault names no image, repository, label or key", () => {
  learnSecrets(["a-token-that-was-read"]);
  const names = ["vt-abcdefgh-lab-dev-run-12345678", "docker.io/me-myself/private-thing:v9-beta@sha256:0123abcd"];
  const text = `C.9 vt-abcdefgh-lab-dev-run-12345678: write /private-thing/x (me-myself/private-thing:v9-beta, 0123abcd): no space; a-token-that-was-read`;
  const words = publicWords(text, names);
  assert.doesNotMatch(words, /private-thing|me-myself|v9-beta|abcdefgh|0123abcd|a-token/);
  assert.match(words, /^C\.9 …: write \/…\/x .*no space; /);
  assert.equal(publicWords("its set-up did not run", ["a/b:1", ""]), "its set-up did not run", "short parts are words");
});
