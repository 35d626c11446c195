import assert from "node:assert/strict";
import { test } from "node:test";
import { errorText, exitCodeOf, Failure } from "../../../cli/command/failure.ts";
import { type VastErrorKind, vastError } from "../../../components/vast/client/errors.ts";

const kinds: [VastErrorKind, number][] = [
  ["no_such_instance", 4],
  ["not_running", 4],
  ["config", 2],
  ["no_key", 2],
  ["auth", 2],
  ["forbidden", 2],
  ["no_login", 1],
  ["unreachable", 1],
  ["server", 1],
];

for (const [kind, code] of kinds) {
  test(`Vast's ${kind} ends with exit code ${code}, in one line`, () => {
    const error = vastError(kind, "a sentence");
    assert.equal(exitCodeOf(error), code);
    assert.equal(errorText(error), "a sentence");
  });
}

test("only a defect of ours shows a stack", () => {
  assert.equal(errorText(new Failure(2, "write instead")), "write instead");
  assert.match(errorText(new TypeError("x is undefined")), /TypeError: x is undefined\n\s+at /);
  assert.equal(exitCodeOf(new TypeError("x")), 1);
});
