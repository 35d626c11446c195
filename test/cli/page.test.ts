import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { page, pageFile } from "./page.ts";

test("docs/commands.md says what the commands say of themselves", () => {
  assert.equal(readFileSync(pageFile, "utf8"), page(), "write it anew with: node test/cli/page.ts --write");
});
