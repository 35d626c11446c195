import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { test } from "node:test";
import { projectDir } from "../../scripts/lib/workspace.ts";

const wrong: [file: string, imports: string][] = [
  ["simulator/api/x.ts", "../../components/config/config.ts"],
  ["simulator/api/x.ts", "../../cli/main.ts"],
  ["simulator/api/x.ts", "../../scripts/test.ts"],
  ["simulator/api/x.ts", "@pulumi/pulumi"],
  ["components/x.ts", "../simulator/index.ts"],
  ["components/x.ts", "../cli/main.ts"],
  ["components/x.ts", "../scripts/test.ts"],
];

const right: [file: string, imports: string][] = [
  ["components/y.ts", "./vast/instance.ts"],
  ["components/y.ts", "@pulumi/pulumi"],
];

test("imports point one way, and Biome says so where they do not", async (t) => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "vast-directions-")));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const name of ["biome.json", "package.json", ".gitignore"]) {
    copyFileSync(join(projectDir, name), join(folder, name));
  }
  const write = ([file, imports]: [string, string], place: number): string => {
    const name = file.replace(".ts", `${place}.ts`);
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), `import { a } from "${imports}";\n\nexport const b = a;\n`);
    return name;
  };
  right.map(write);
  const expected = wrong.map(write).sort();
  assert.deepEqual(await refusedFiles(folder), expected);
});

/** Names of the files in which Biome refuses an import, each as often as it does. */
async function refusedFiles(folder: string): Promise<string[]> {
  const biome = join(projectDir, "node_modules", ".bin", "biome");
  const words = ["lint", "--only=style/noRestrictedImports", "--reporter=github", "--max-diagnostics=none", "."];
  const output = await new Promise<string>((resolve) => {
    execFile(biome, words, { cwd: folder }, (_error, stdout) => resolve(stdout));
  });
  return [...output.matchAll(/,file=([^,]+),/g)].map((match) => relative(folder, match[1] ?? "")).sort();
}
