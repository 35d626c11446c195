import assert from "node:assert/strict";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { formsOf } from "../../../components/lib/secrets.ts";
import { exportLines, script, textOf } from "../../../components/remote/script.ts";
import { trainScript } from "../../../components/remote/scripts.ts";
import { type Box, ENDS, openBox, stepOf } from "./box.ts";

const TOKENS = {
  HF_TOKEN: "hf_Q2x/7+pLmZ~9'k&v*[a-z]?\\n",
  SHORTER: "ghp_abcdefgh",
  LONGER: "ghp_abcdefghijklmnopqrstuvwxyz012345",
  WITH_BLANKS: "  open sesame, said $(she) ",
  TWO_LINES: "first line of it\nsecond line of it",
  NO_TOKEN: "seven77",
};
const SECRETS = [TOKENS.HF_TOKEN, TOKENS.LONGER, "open sesame, said $(she)", "first line of it", "second line of it"];

function openMachine(t: TestContext): Box {
  const box = openBox(t);
  box.write(join(box.workspace, ".env"), exportLines(TOKENS));
  const netrc = 'machine one login me password one-of-netrc\nmachine two\nlogin me\npassword "two-of-netrc"\n';
  writeFileSync(join(box.home, ".netrc"), netrc);
  return box;
}

/** No 8 characters of a secret in any of its forms. */
function assertNothing(shown: string, secrets: readonly string[] = SECRETS): void {
  for (const form of secrets.flatMap(formsOf))
    for (let at = 0; at + 8 <= form.length; at++)
      assert.ok(!shown.includes(form.slice(at, at + 8)), `${form.slice(at, at + 8)} is in ${shown}`);
}

/** What the filter makes of a text on this machine. */
async function filtered(box: Box, text: string): Promise<string> {
  const file = join(box.root, "said");
  writeFileSync(file, text);
  const own = `WORKSPACE='${box.workspace}'; FIRST_PROCESS=/nowhere`;

  const { code, out, err } = await box.run(`${own}\n${textOf("shown")}\nwithout_credentials <'${file}'`);
  assert.deepEqual([code, err], [0, ""]);
  return out;
}

test("on a machine no form of what it has passes, and all else does", async (t) => {
  const box = openMachine(t);
  const lines = SECRETS.flatMap((secret) => [
    ...formsOf(secret).map((form) => `<${form}>`),
    JSON.stringify({ token: secret }),
    `?x=${encodeURIComponent(secret)}`,
    ...[0, 1, 2].map((before) => Buffer.from(`${"u".repeat(before)}${secret}: more`).toString("base64")),
    `'${secret.replaceAll("'", "'\\''")}'`,
  ]);
  const shown = await filtered(box, `${lines.join("\n")}\nseven77 & nothing \\n else\nno end`);
  assertNothing(shown);
  const out = shown.trimEnd().split("\n");
  assert.equal(out.length, lines.length + 2);
  for (const line of out.slice(0, -2)) assert.match(line, /\[secret\]/);
  assert.deepEqual(out.slice(-2), ["seven77 & nothing \\n else", "no end"]);
  assert.equal(await filtered(box, "one-of-netrc, two-of-netrc, me\n"), "[secret], [secret], me\n");
});

test("a line that was cut within a credential shows no part of it", async (t) => {
  const box = openMachine(t);
  const line = `before ${TOKENS.LONGER} after`;
  const cuts = Array.from(line, (_, at) => [line.slice(0, at), line.slice(at)]).flat();
  assertNothing(await filtered(box, `${cuts.join("\n")}\n`));
});

test("what stands before the @ of a URL does not pass", async (t) => {
  const box = openMachine(t);
  const urls =
    "a https://me:ghp_x@one/p 'http://tok@two' https://me:p@ss@three:8/ ssh://git@four/x https://five/a@v1\n";
  assert.equal(
    await filtered(box, urls),
    "a https://[secret]@one/p 'http://[secret]@two' https://[secret]@three:8/ ssh://git@four/x https://five/a@v1\n",
  );
});

test("both streams of a step pass it, also of the one that writes the credentials, and its exit code stays", async (t) => {
  const box = openMachine(t);
  const says = (values: object) =>
    box.run(
      script({ WORKSPACE: box.workspace, ...values }, "common").replace(
        "\nexit 0\n",
        `\nsay "out ${TOKENS.LONGER} new-in-this-step"; say "err ${TOKENS.LONGER} new-in-this-step" >&2; exit 7\n`,
      ),
    );
  assert.deepEqual(await says({}), {
    code: 7,
    out: "out [secret] new-in-this-step\n",
    err: "err [secret] new-in-this-step\n",
  });
  const writing = await says({ ENV_FILE: exportLines({ NEW: "new-in-this-step" }) });
  assert.match(writing.out, /^out ghp_\w+ \[secret\]$/m);
});

test("a training that dies of its token is shown without it, wherever the line was cut", async (t) => {
  const box = openMachine(t);
  mkdirSync(join(box.workspace, "checkpoints"));
  const command = `for n in 250 270 285; do printf '%*s' $n; echo "$LONGER"; done; echo "$HF_TOKEN" | base64; exit 3`;
  const { code, err } = await box.run(`${ENDS}\n${trainScript(stepOf(box, command))}`);
  assert.notEqual(code, 0);
  assert.match(err, /exit code 3\. The end of .*train\.log:/);
  assert.match(err, /\[secret\]/);
  assertNothing(err);
  assert.ok(box.read("train.log").includes(TOKENS.LONGER), "its log is as it was");
  assert.ok(existsSync(join(box.workspace, ".env")));
});
