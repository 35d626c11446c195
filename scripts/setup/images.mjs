import { existsSync } from "node:fs";
import { join } from "node:path";
import { binDir, cacheDir, projectDir } from "./paths.mjs";
import { run, tail } from "./run.mjs";
import { Stop } from "./stop.mjs";

const hosts = join(projectDir, "simulator", "hosts", "index.ts");
let prepared = false;

/** Always asks the simulator, which knows what is missing; quick when nothing is. */
export const images = {
  name: "the simulator's images",
  why: "what a rented machine of the simulator holds: uv, the example and its dependencies",
  where: cacheDir(),
  size: "150 MB",
  silent: true,
  ready: () => prepared || !existsSync(hosts),
  run: async () => {
    const code = `import { prepareImages } from ${JSON.stringify(hosts)}; await prepareImages((line) => console.log("  " + line));`;
    const words = ["--input-type=module", "--eval", code];
    const result = await run(join(binDir, "node"), words, { cwd: projectDir, label: "preparing images" });
    if (result.code !== 0) throw new Stop(`The simulator's images could not be made:\n${tail(result.output)}`);
    process.stdout.write(result.stdout);
    prepared = true;
  },
};
