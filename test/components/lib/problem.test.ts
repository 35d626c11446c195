import assert from "node:assert/strict";
import { test } from "node:test";
import { attempt, ProblemError, passed, problemLine } from "../../../components/lib/problem.ts";

test("a problem is one line: which key, what was found, what to write", () => {
  assert.equal(
    problemLine({ key: "gpus", found: 'found "three"', write: "write a whole number" }),
    'gpus: found "three"; write a whole number',
  );
  assert.equal(problemLine({ key: "gpus", found: "two\nlines \u001b[1m" }), "gpus: two lines");
});

test("what throws problems has them, another error is one, and what throws nothing is its value", () => {
  assert.deepEqual(
    attempt("sshKey", () => 7),
    passed(7),
  );
  const throwing = (error: Error) =>
    attempt("sshKey", () => {
      throw error;
    });
  const two = [
    { key: "sshKey", found: "a; b: c", write: "d; e" },
    { key: "other", found: "sshKey: f" },
  ];
  assert.deepEqual(throwing(new ProblemError(two)), { problems: two });
  assert.equal(new ProblemError(two).message, "sshKey: a; b: c; d; e; other: sshKey: f");
  assert.deepEqual(throwing(new Error("a; b")), { problems: [{ key: "sshKey", found: "a; b" }] });
});
