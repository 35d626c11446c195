import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { configKeys } from "../components/config/config.ts";

const root = join(import.meta.dirname, "..");
const readme = readFileSync(join(root, "README.md"), "utf8");

/** The rows that README.md should have, one for each key that the program reads. */
function configRows(): string[] {
  return configKeys().map(({ key, default: value, description }) => {
    const shown = value === "" ? "" : `\`${value.replaceAll("|", "\\|")}\``;
    return `| \`${key}\` | ${key === "trainCommand" ? "the torchrun line of cot-oracle" : shown} | ${description} |`;
  });
}

test("README.md lists every config key with its default and description", () => {
  const table = /<!-- config table[^>]*-->\n(?<table>[\s\S]*?)<!-- end of config table -->/.exec(readme)?.groups?.table;
  const expected = ["| key | default | what it is |", "|---|---|---|", ...configRows()];
  assert.equal(table?.trim(), expected.join("\n"), "paste the expected table into README.md");
});

test("every npm script that README.md and CONTRIBUTING.md name exists", () => {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { scripts: object };
  const texts = readme + readFileSync(join(root, "CONTRIBUTING.md"), "utf8");
  const named = [...texts.matchAll(/npm run (?:-s )?([\w:]+)/g)].map(([, name]) => name ?? "");
  assert.deepEqual(
    named.filter((name) => !(name in scripts)),
    [],
  );
});
