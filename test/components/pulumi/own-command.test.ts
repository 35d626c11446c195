import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { ownCommand } from "../../../components/pulumi/own-command.ts";
import { projectDir } from "../../../scripts/lib/workspace.ts";

test("a command of ours names shellenv where the shell would not find it", () => {
  const bin = join(projectDir, "node_modules", ".bin");
  assert.equal(ownCommand("recover -s dev", { PATH: `/usr/bin:${bin}` }), "vast-run recover -s dev");
  for (const PATH of ["/usr/bin:/bin", "", undefined])
    assert.equal(
      ownCommand("recover -s dev", PATH === undefined ? {} : { PATH }),
      'vast-run recover -s dev (in this shell first: eval "$(npm run -s shellenv)")',
    );
});
