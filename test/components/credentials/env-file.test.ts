import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { findCredentials } from "../../../components/credentials/credentials.ts";
import { readEnvFile } from "../../../components/credentials/env-file.ts";

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: they are for a shell
const PIECES = [
  ...'x y|\'a b\'|"a b"|\\ |\\x|$X|${X}|$(echo y)|`echo y`|$|$\'a\\tb\'|$"a"|"$X"|"\\$X"|"\\\\"|"\\n"|\'|"'.split("|"),
  ..."; export A|;export A|;|; B=2|;B=2|&& B=2|&|>f|<f|(|)|{a,b}|*|!|%|~|:~|=|+|#c| #c| # c| B=2| B=3 # c| y|\t".split(
    "|",
  ),
  "|",
  "\n",
  "\\\n",
  "'a\nB=9'",
  "\nB=2",
  "\nunset A",
];
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: they are for a shell

/** Every file of one and two pieces, with and without export, as bash has it: A and B, or nothing where it complains. */
function* files(): Generator<string> {
  for (const head of ["A=", "export A=", "B=1\nA=", "A='x\n"]) {
    yield head;
    for (const one of PIECES) {
      yield `${head}${one}`;
      if (head.startsWith("B") || head.endsWith("\n")) continue;
      for (const two of PIECES) yield `${head}${one}${two}\nC=1`;
    }
  }
}

test("a value is the one that bash takes, or it is in doubt", () => {
  const all = [...files()];
  const script = `
    cd "$(mktemp -d)" && folder=$PWD PATH=/none HOME=/h X=expanded || exit
    while IFS= read -r -d '' text; do
      printf '%s' "$text" >file
      ( . ./file >/dev/null 2>complaints; printf '%s\\1%s\\1' "$A" "$B" ) </dev/null 2>/dev/null
      if [ -s complaints ]; then printf 'complains\\0'; else printf '\\0'; fi
    done; /bin/rm -rf "$folder"`;
  const input = all.map((text) => `${text}\0`).join("");
  const told = spawnSync("/bin/bash", ["-c", script], {
    input,
    encoding: "utf8",
    maxBuffer: 1e8,
    env: { PATH: "/bin:/usr/bin" },
  });
  const bash = told.stdout.split("\0");
  assert.equal(bash.length, all.length + 1, told.stderr);
  let certain = 0;
  for (const [at, text] of all.entries()) {
    // Where it cannot read the file at all it prints nothing of it.
    const [complains = "", b = "", a = ""] = bash[at]?.split("\u0001").reverse() ?? [];
    const { values, doubts } = readEnvFile(text);
    if (bash[at] === "complains") continue;
    if (values.A !== undefined) assert.equal(values.A, a, JSON.stringify([text, complains]));
    if (values.B !== undefined) assert.equal(values.B, b, JSON.stringify([text, complains]));
    if (complains === "" && a !== "") assert.ok(values.A !== undefined || doubts.A !== undefined, JSON.stringify(text));
    if (values.A !== undefined) certain++;
  }
  assert.ok(certain > all.length / 10, `${certain} of ${all.length}`);
});

test("what a shell decides is in doubt, with its line, and shows nothing", (t) => {
  const doubts = (text: string) => readEnvFile(text).doubts;
  assert.deepEqual(doubts("if true\nthen\n  A=1\nfi\nB=2").A, {
    line: 3,
    why: "comes behind if, and a shell decides there",
  });
  for (const text of [
    "cat <<E\nA=1\nE",
    "f() {\nA=1\n}",
    "[ -z $X ] && return\nA=1",
    "case x in\nx)\nA=1",
    "A=1 B=2 secretsecret",
  ]) {
    assert.ok(doubts(text).A !== undefined, text);
    assert.doesNotMatch(JSON.stringify(doubts(text)), /secret/);
  }
  const search = { envFile: "FILE", netrcFile: "/none", require: ["HF_TOKEN"], forward: ["WANDB_API_KEY", "FINE"] };
  const written = "HF_TOKEN=hf_x; export HF_TOKEN\nexport WANDB_API_KEY=$(cat ~/.wandb_key)\nFINE=f WORSE=w\n";
  const file = `/tmp/env-file-${process.pid}`;
  t.after(() => rmSync(file, { force: true }));
  writeFileSync(file, written);
  const { values, problems } = findCredentials({ ...search, envFile: file }, {});
  assert.deepEqual(values, { HF_TOKEN: "hf_x", FINE: "f" });
  assert.equal(problems.length, 1);
  assert.match(problems[0]?.found ?? "", /^line 2 of \S+: WANDB_API_KEY holds \$ or `/);
  assert.deepEqual(findCredentials({ ...search, envFile: file }, { WANDB_API_KEY: "w" }).problems, []);
});
