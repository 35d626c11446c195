import assert from "node:assert/strict";
import { existsSync, globSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { projectDir } from "../scripts/lib/workspace.ts";
import { ELSEWHERE } from "./elsewhere.ts";

const sources = globSync("{index,components/**/*,cli/**/*,simulator/**/*}.ts", { cwd: projectDir });
const isThere = (path: string) => existsSync(join(projectDir, path));

test("the test of a thing lies at its path, or it is said where", () => {
  const lacking = sources.filter((path) => !isThere(`test/${path.replace(/\.ts$/, ".test.ts")}`));
  assert.deepEqual(Object.values(ELSEWHERE).flat().sort(), lacking.sort());
});

test("where it is said to be there is a test", () => {
  assert.deepEqual(
    Object.keys(ELSEWHERE).filter((path) => !path.endsWith(".test.ts") || !isThere(path)),
    [],
  );
});
