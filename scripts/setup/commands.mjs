import { existsSync } from "node:fs";
import { join } from "node:path";
import { linkTarget, linkTo } from "./files.mjs";
import { binDir, projectDir } from "./paths.mjs";

const link = join(binDir, "vast-run");
const target = "../../cli/vast-run";

export const vastRun = {
  name: "vast-run",
  why: "the command that watches a run, beside pulumi",
  where: binDir,
  size: "a link",
  ready: () => linkTarget(link) === target || !existsSync(join(projectDir, "cli", "vast-run")),
  run: async () => linkTo(target, link),
};
