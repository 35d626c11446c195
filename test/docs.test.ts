import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { test } from "node:test";
import { configKeys } from "../components/config/config.ts";

const root = join(import.meta.dirname, "..");
const textOf = (path: string) => readFileSync(join(root, path), "utf8");
const docs = globSync(["docs/*.md", "bench/README.md"], { cwd: root }).sort();
/** What holds today; the changelog says what held. */
const pages = ["README.md", "CONTRIBUTING.md", ...docs];

/** The rows that docs/configuration.md should have, one for each key that the program reads. */
function configRows(): string[] {
  return configKeys().map(({ key, default: value, description }) => {
    const shown = value === "" ? "" : `\`${value.replaceAll("|", "\\|")}\``;
    return `| \`${key}\` | ${key === "trainCommand" ? "the torchrun line of cot-oracle" : shown} | ${description} |`;
  });
}

/** Without what is code: a link there is text. */
const proseOf = (path: string) =>
  textOf(path)
    .replace(/^```[\s\S]*?^```/gm, "")
    .replace(/`[^`\n]*`/g, "");

/** Links to files of the project and to places in them; a place in the page itself has an empty path. */
function linksOf(path: string) {
  return [...proseOf(path).matchAll(/\]\((?<path>[^)#\s:]*)(?:#(?<anchor>[^)\s]*))?\)/g)].map(({ groups }) => {
    const to = groups?.path ? relative(root, resolve(root, dirname(path), groups.path)) : path;
    return { from: path, to, anchor: groups?.anchor };
  });
}

/** The anchors that GitHub gives to a page's headings. */
function anchorsOf(path: string): string[] {
  const headings = [
    ...textOf(path)
      .replace(/^```[\s\S]*?^```/gm, "")
      .matchAll(/^#{1,6} (.*)$/gm),
  ];
  return headings.map(([, text = ""]) =>
    text
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replace(/\s/g, "-"),
  );
}

test("docs/configuration.md lists every config key with its default and description", () => {
  const table = /<!-- config table[^>]*-->\n(?<table>[\s\S]*?)<!-- end of config table -->/.exec(
    textOf("docs/configuration.md"),
  )?.groups?.table;
  const expected = ["| key | default | what it is |", "|---|---|---|", ...configRows()];
  assert.equal(table?.trim(), expected.join("\n"), "paste the expected table into docs/configuration.md");
});

test("every npm script that a page names exists", () => {
  const { scripts } = JSON.parse(textOf("package.json")) as { scripts: object };
  const named = pages.flatMap((page) =>
    [...textOf(page).matchAll(/npm run (?:-s )?([\w:]+)/g)].map(([, name]) => name),
  );
  assert.deepEqual(
    named.filter((name) => !(name !== undefined && name in scripts)),
    [],
  );
});

test("no link leads to a file or a heading that is not there", () => {
  const broken = [...pages, "CHANGELOG.md"].flatMap(linksOf).filter(({ to, anchor }) => {
    if (!existsSync(join(root, to))) return true;
    return anchor !== undefined && !anchorsOf(to).includes(anchor);
  });
  assert.deepEqual(broken, []);
});

test("README.md and every page of docs lead to each other", () => {
  const leadsTo = (from: string, to: string) => linksOf(from).some((link) => link.to === to);
  assert.deepEqual(
    docs.filter((page) => !leadsTo("README.md", page) || !leadsTo(page, "README.md")),
    [],
  );
});
