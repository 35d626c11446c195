import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { notAsCommitted, uncommitted, uncommittedText } from "../../../components/config/committed.ts";

const COMMITTED = 'config:\n  it:gpus: "1"\n  it:branch: jan\n  it:exclude: [a, b]\n  it:require:\n    - HF_TOKEN\n';
const text = (after: string) => uncommittedText("dev", uncommitted(COMMITTED, after, "it"));

test("a file that Pulumi has only written anew is as it was committed", () => {
  const same =
    'encryptionsalt: v1:x\nconfig:\n  it:require: [HF_TOKEN]\n  it:gpus: 1\n  it:exclude:\n    - a\n    - b\n  it:branch: "jan"\n';
  assert.equal(text(same), undefined);
  assert.equal(uncommittedText("dev", uncommitted("", "", "it")), undefined);
});

test("each key that differs is named with both values, and what takes them back", () => {
  const changed = COMMITTED.replace('"1"', '"2"').replace("  it:branch: jan\n", "").concat("  it:run: x\n");
  assert.equal(
    text(changed),
    "Pulumi.dev.yaml is not as committed: gpus 2 (was 1), branch unset (was jan), run x (was unset). Pulumi writes there what -c says, for every later command too; back: git checkout Pulumi.dev.yaml",
  );
  const many = COMMITTED.concat(...[1, 2, 3, 4, 5, 6].map((n) => `  it:key${n}: ${"long ".repeat(20)}\n`));
  assert.match(text(many) ?? "", /key1 (long )+l?o?n?g?…? ?\S* \(was unset\), .*, 2 more\. Pulumi/);
});

test("a secret's value is not shown", () => {
  const secret = text(COMMITTED.concat("  it:env:\n    secure: v1:abc\n"));
  assert.match(secret ?? "", /: env a secret \(was unset\)\./);
});

test("what is committed is asked of git, and without git nothing is said", async (t) => {
  const [before, folder] = [process.cwd(), mkdtempSync(join(tmpdir(), "vast-committed-"))];
  t.after(() => {
    process.chdir(before);
    rmSync(folder, { recursive: true });
  });
  process.chdir(folder);
  writeFileSync("Pulumi.dev.yaml", COMMITTED);
  assert.equal(await notAsCommitted("dev", "it"), undefined, "no repository");
  const git = (...words: string[]) =>
    execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@example.org", ...words], { stdio: "pipe" });
  git("init", "-q");
  git("add", ".");
  git("commit", "-qm", "a stack");
  assert.equal(await notAsCommitted("dev", "it"), undefined);
  writeFileSync("Pulumi.dev.yaml", COMMITTED.replace('"1"', '"4"'));
  assert.match((await notAsCommitted("dev", "it")) ?? "", /gpus 4 \(was 1\)/);
  assert.equal(await notAsCommitted("other", "it"), undefined, "a stack that is not committed");
});
