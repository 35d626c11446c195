import assert from "node:assert/strict";
import { test } from "node:test";
import { formsOf, HiddenText, hidden, learnSecrets, withoutSecrets } from "../../../components/lib/secrets.ts";
import { printable, printableLines } from "../../../components/lib/text.ts";

const TOKEN = "hf_Q2x/7+pLmZ~9'k&v";
const WITH_BLANK = "open sesame, said she";
const PLAIN = "ghp_abcdefghijklmnopqrstuvwxyz012345";
learnSecrets([
  TOKEN,
  WITH_BLANK,
  PLAIN,
  "ghp_abcdefgh",
  "seven77",
  "first line of it\nsecond line of it",
  undefined,
  "",
]);

/** The forms in which a program may print it, each within other text. */
const said: [how: string, text: string][] = [
  ["as it is", `token ${TOKEN}.`],
  ["in JSON", JSON.stringify({ token: TOKEN })],
  ["in JSON in JSON", JSON.stringify(JSON.stringify({ token: `${TOKEN}"` }))],
  ["in a URL", `https://host/?token=${encodeURIComponent(TOKEN)}&x=1`],
  ["in a form", new URLSearchParams({ token: TOKEN }).toString()],
  ["in a URL in small letters", encodeURIComponent(TOKEN).replace(/%../g, (code) => code.toLowerCase())],
  ["by a shell", `export T='${TOKEN.replaceAll("'", "'\\''")}'`],
  ...[0, 1, 2].flatMap((before): [string, string][] => {
    const bytes = Buffer.from(`${"u".repeat(before)}${TOKEN}: and more`);
    return [
      [`in base64 at ${before}`, bytes.toString("base64")],
      [`in base64url at ${before}`, bytes.toString("base64url")],
    ];
  }),
  ["at the end of base64", Buffer.from(`user:${TOKEN}`).toString("base64")],
];

for (const [how, text] of said)
  test(`a credential is taken out as it is said ${how}`, () => {
    const shown = hidden(text);
    assert.match(shown, /\[secret\]/);
    for (const form of formsOf(TOKEN))
      for (let at = 0; at + 8 <= form.length; at++)
        assert.ok(!shown.includes(form.slice(at, at + 8)), `${form.slice(at, at + 8)} is in ${shown}`);
  });

test("the longest is taken out whole, each line counts, and what is shorter than 8 characters stays", () => {
  assert.equal(hidden(`a ${PLAIN} b ghp_abcdefgh c`), "a [secret] b [secret] c");
  assert.equal(hidden("seven77 is no secret"), "seven77 is no secret");
  assert.equal(hidden("first line of it, second line of it"), "[secret], [secret]");
});

test("no cut leaves a part of 8 characters or more", () => {
  const line = `before ${PLAIN} after`;
  for (let limit = 2; limit <= line.length; limit++) assertNothing(printable(line, limit));
  for (let at = 0; at <= line.length; at++) {
    for (const cut of [line.slice(0, at), line.slice(at)])
      for (const whole of [cut, `one\n${cut}\ntwo`, `${cut}…`]) assertNothing(printableLines(whole));
    assertNothing(printable(`${line.slice(0, at)}\n${line.slice(at)}`));
  }
});

function assertNothing(shown: string): void {
  for (let at = 0; at + 8 <= PLAIN.length; at++)
    assert.ok(!shown.includes(PLAIN.slice(at, at + 8)), `a part of it is in ${shown}`);
}

test("what a terminal would not show does not hide a credential from us", () => {
  assertNothing(printable(`a ${PLAIN.slice(0, 12)}\u001b[31m${PLAIN.slice(12)} b`));
  assertNothing(printableLines(`a ${PLAIN.slice(0, 12)}\u001b[31m${PLAIN.slice(12)} b`));
});

test("a stream cut anywhere into two chunks or into single characters shows nothing of it, and all of the rest", () => {
  const text = `one ${PLAIN} two\n${WITH_BLANK} https://me:secretword@host/x three`;
  const shown = "one [secret] two\n[secret] https://[secret]@host/x three";
  const through = (...chunks: string[]) => {
    const stream = new HiddenText();
    return chunks.map((chunk) => stream.write(chunk)).join("") + stream.end();
  };
  assert.equal(through(...text), shown);
  for (let at = 0; at <= text.length; at++) assert.equal(through(text.slice(0, at), text.slice(at)), shown);
  assert.equal(new HiddenText().write("a line\n"), "a line\n", "it comes at once");
  const endless = "x".repeat(100_000);
  assert.equal(new HiddenText().write(endless).length, endless.length, "and is not kept without end");
});

const urls: [text: string, shown: string][] = [
  ["https://me:ghp_x@host/p", "https://[secret]@host/p"],
  ["'https://ghp_x@host/p'", "'https://[secret]@host/p'"],
  ["HTTPS://me:p@ss@host:8/p", "HTTPS://[secret]@host:8/p"],
  ["https://me:pa/ss@host/p and on", "https://[secret]@host/p and on"],
  ["postgresql+psycopg://u:p@db/x", "postgresql+psycopg://[secret]@db/x"],
  ['{"url":"https:\\/\\/me:tok@host"}', '{"url":"https:\\/\\/[secret]@host"}'],
  ["?to=https%3A%2F%2Fme%3Atok%40host%2Fp", "?to=https%3A%2F%2F[secret]%40host%2Fp"],
  ["ssh://git:pw@host/p", "ssh://[secret]@host/p"],
  ["me:ghp_longtoken@host.org:p", "[secret]@host.org:p"],
  ["cut: https://me:ghp_longtok", "cut: https://[secret]"],
];
for (const [text, shown] of urls)
  test(`nothing before the @ of a URL is shown: ${text}`, () => assert.equal(hidden(text), shown));

for (const text of [
  "https://github.com/me/it@v1.2",
  "ssh://git@host/me/it",
  "git@github.com:me/it.git",
  "http://127.0.0.1:4000: no answer",
  "https://[::1]:80/x",
  "image me/it@sha256:0cf3402e946b7c384ba943ee05c90b4c5a4a05227923921f2b0918c011cfaf56",
  "direct 203.0.113.9:41022 denied",
  "root@203.0.113.9",
  "me@example.org",
])
  test(`what is no credential stays: ${text}`, () => assert.equal(hidden(text), text));

test("an error says and keeps nothing of it", () => {
  const { message, stack } = withoutSecrets(new Error(`refused: ${PLAIN}`));
  assert.equal(message, "refused: [secret]");
  assertNothing(stack ?? "");
});
