import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { startCommand } from "../../../scripts/lib/command.ts";
import type { Order } from "../../../scripts/lib/test-run.ts";
import { projectDir } from "../../../scripts/lib/workspace.ts";

/** Runs tests of these names, each in a file of its own, in this order, one after the other. */
async function ran(t: TestContext, names: readonly string[], options: readonly string[] = []) {
  const folder = mkdtempSync(join(tmpdir(), "vast-test-run-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const files = names.map((name) => {
    const body = name === "fails" ? "throw new Error()" : "";
    writeFileSync(
      join(folder, `${name}.mjs`),
      `import { test } from "node:test";\ntest("${name}", () => {${body}});\n`,
    );
    return join(folder, `${name}.mjs`);
  });
  const order: Order = { files, options, concurrency: 1, timeout: 60_000 };
  const words = [join(projectDir, "scripts/lib/test-run.ts"), JSON.stringify(order)];
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { code, stdout } = await startCommand(process.execPath, words, { cwd: folder, env }).result;
  return { code, begun: [...stdout.matchAll(/^[✔✖] (\w+) \(/gm)].map(([, name]) => name) };
}

test("files begin in the order that is given, whatever their names", async (t) => {
  assert.deepEqual(await ran(t, ["c", "a", "b"]), { code: 0, begun: ["c", "a", "b"] });
});

test("a test that fails fails the run", async (t) => {
  assert.equal((await ran(t, ["a", "fails"])).code, 1);
});

test("options choose among the tests", async (t) => {
  assert.deepEqual(await ran(t, ["a", "fails"], ["--test-name-pattern=^a$"]), { code: 0, begun: ["a"] });
});
