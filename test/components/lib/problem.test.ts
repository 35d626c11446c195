import assert from "node:assert/strict";
import { test } from "node:test";
import { attempt, passed, problemLine } from "../../../components/lib/problem.ts";

test("a problem is one line: which key, what was found, what to write", () => {
  assert.equal(
    problemLine({ key: "gpus", found: 'found "three"', write: "write a whole number" }),
    'gpus: found "three"; write a whole number',
  );
  assert.equal(problemLine({ key: "gpus", found: "two\nlines \u001b[1m" }), "gpus: two lines");
});

test("what throws a sentence for the user is a problem, and what does not is its value", () => {
  assert.deepEqual(
    attempt("sshKey", () => 7),
    passed(7),
  );
  const { value, problems } = attempt("sshKey", () => {
    throw new Error("sshKey: /k is not there; write the path of a key; or leave it empty");
  });
  assert.equal(value, undefined);
  assert.deepEqual(problems, [
    { key: "sshKey", found: "/k is not there", write: "write the path of a key; or leave it empty" },
  ]);
});
