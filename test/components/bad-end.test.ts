import assert from "node:assert/strict";
import { test } from "node:test";
import { billText } from "../../components/bad-end.ts";

test("what bills is said with its id, its rate and the commands that end it", () => {
  assert.equal(
    billText("42", 1.0706, "dev"),
    "instance 42 goes on costing up to $1.071/h; this ends it: pulumi destroy -s dev, or, when that fails, vastai destroy instance 42",
  );
});
