import assert from "node:assert/strict";
import { test } from "node:test";
import { secretConfigProblems } from "../../../components/config/secret.ts";
import { problemLine } from "../../../components/lib/problem.ts";

const problems = (names: string | undefined) =>
  secretConfigProblems("vast-training", { PULUMI_CONFIG_SECRET_KEYS: names }).map(problemLine);

test("a value that was set with --secret is told where it belongs; those of others are theirs", () => {
  const [line = "", ...more] = problems('["vast-training:env","aws:token"]');
  assert.match(
    line,
    /^env: it is set with --secret.*; write it to ~\/\.env, name it in forward.*pulumi config rm env$/,
  );
  assert.deepEqual(more, []);
});

test("without secrets there is nothing to say", () => {
  for (const names of [undefined, "", "[]", "noise"]) assert.deepEqual(problems(names), []);
});
