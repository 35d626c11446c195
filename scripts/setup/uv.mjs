import { chmodSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheDir, versions } from "./paths.mjs";
import { isExecutable, run, tail } from "./run.mjs";
import { Stop } from "./stop.mjs";

const requirements = fileURLToPath(new URL("uv-requirements.txt", import.meta.url));
const place = () => join(cacheDir(), "uv", versions.uv, "uv");

export const uv = {
  name: "uv",
  why: `${versions.uv}, by version and hash; it installs the example's dependencies`,
  where: cacheDir(),
  size: "50 MB",
  ready: () => isExecutable(place()),
  run: async () => {
    mkdirSync(dirname(place()), { recursive: true });
    const work = mkdtempSync(join(dirname(place()), ".fetch-"));
    try {
      renameSync(await fetchInto(work), place());
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  },
};

/** The wheel is fetched and unpacked; nothing in it is run, and nothing of Python is installed. */
async function fetchInto(work) {
  const words = [
    "download",
    "--quiet",
    "--no-deps",
    "--only-binary",
    ":all:",
    "--require-hashes",
    "-d",
    work,
    "-r",
    requirements,
  ];
  await python(["-m", "pip", ...words], "fetching uv");
  const wheel = readdirSync(work).find((name) => name.endsWith(".whl"));
  await python(["-m", "zipfile", "-e", join(work, wheel), work], "unpacking uv");
  const binary = join(work, `uv-${versions.uv}.data`, "scripts", "uv");
  chmodSync(binary, 0o755);
  return binary;
}

async function python(words, label) {
  const { code, output } = await run("python3", words, { label });
  if (code === 0) return;
  throw new Stop(
    `uv could not be fetched:\n${tail(output)}\n  By hand: put uv ${versions.uv} at ${place()}, or make \`python3 -m pip download uv==${versions.uv}\` work.`,
  );
}
