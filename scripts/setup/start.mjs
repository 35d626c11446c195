import { createRequire } from "node:module";
import { join } from "node:path";
import { imported } from "../start/imported.mjs";
import { linkTarget, linkTo, readJson } from "./files.mjs";
import { binDir, modulesDir, projectDir } from "./paths.mjs";
import { run, tail } from "./run.mjs";

const { folder, indexFor } = createRequire(import.meta.url)("../start/packages.cjs");
const link = join(binDir, "node");
const target = "../../scripts/start/node";

/** What processes start from; without it everything runs all the same, only later. */
export const start = {
  name: "a file of all packages",
  why: "Pulumi's processes start in half the time from one file",
  where: folder,
  size: "7 MB",
  ready: () => linkTarget(link) === target && isCurrent(),
  run: async () => {
    const made = await run(join(binDir, "node"), [join(projectDir, "scripts", "start", "bundle.mjs")]);
    if (made.code !== 0) {
      console.log(`  The file of all packages could not be made, so commands start later:\n${tail(made.output)}`);
      return;
    }
    linkTo(target, link);
  },
};

function isCurrent() {
  const { version } = readJson(join(modulesDir, "node", "package.json")) ?? {};
  const known = indexFor(`v${version}`);
  return known !== undefined && imported(projectDir).every((name) => name in known.exported);
}
