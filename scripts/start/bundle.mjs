// Makes the one file of packages that processes start from. Run by set-up, under the project's Node.
import { createHash } from "node:crypto";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { build } from "esbuild";
import { imported } from "./imported.mjs";
import start from "./packages.cjs";

const project = join(import.meta.dirname, "..", "..");
const require = createRequire(import.meta.url);
const RESERVED = ["default", "module.exports", "__esModule"];
const programs = ["@pulumi/pulumi/cmd/run/index.js", "@pulumi/pulumi/cmd/dynamic-provider/index.js"];

/** What an import of it has: the names that Node finds and those that are there, and whether all of it is the default. */
async function exportsOf(name) {
  const found = await import(name);
  const names = [...Object.keys(found), ...Object.keys(require(name))];
  const isCommonJs = "module.exports" in found;
  return { isCommonJs, names: [...new Set(names)].filter((key) => !RESERVED.includes(key)) };
}

/**
 * What Pulumi needs only for turning a function into text, which nothing here does (components/pulumi/stub.ts): loaded
 * when it is asked for, or a process loads a compiler and a package manager each time.
 */
const seldom = {
  name: "seldom",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /(^typescript|\/typescript-shim|^@npmcli\/arborist)$/ }, ({ path }) => ({
      path: path.endsWith("-shim") ? "@pulumi/pulumi/typescript-shim.js" : path,
      namespace: "seldom",
    }));
    // Reads source maps for each stack, and our sources have none: Node only blanks their types out.
    onLoad({ filter: /source-map-support\/register\.js$/ }, () => ({ contents: "" }));
    onLoad({ filter: /.*/, namespace: "seldom" }, ({ path }) => ({ contents: whenAsked(path) }));
    onLoad({ filter: /@pulumi\/pulumi\/runtime\/closure\/v8Hooks\.js$/ }, () => ({ contents: withoutDebugger }));
  },
};

/** Text that defines `load`, which gives the module from where it is installed. */
function loader(name) {
  return `const { createRequire } = require("node:module");
let loaded;
const load = () => (loaded ??= createRequire(__filename)(${JSON.stringify(name)}));`;
}

/** As one value that loads the module when something of it is read. */
function whenAsked(name) {
  return `${loader(name)}
module.exports = new Proxy({ __esModule: true }, { get: (_, key) => (key === "__esModule" ? true : load()[key]) });
`;
}

/** Pulumi starts V8's debugger in every program, with an option that makes V8 refuse code compiled without it. */
const withoutDebugger = `${loader("@pulumi/pulumi/runtime/closure/v8Hooks.js")}
exports.isInitializedAsync = async () => {};
exports.getSessionAsync = () => load().getSessionAsync();
exports.getScriptUrl = (id) => load().getScriptUrl(id);
`;

async function main() {
  const names = imported(project);
  const table = (words) => words.map((word) => `${JSON.stringify(word)}: () => require(${JSON.stringify(word)}),`);
  const lines = ["exports.modules = {", ...table(names), "};", "exports.programs = {", ...table(programs), "};"];
  const stamp = start.stampOf(process.version);
  const file = `packages-${createHash("sha256").update(`${stamp} ${names}`).digest("hex").slice(0, 16)}.cjs`;
  mkdirSync(start.folder, { recursive: true });
  await build({
    stdin: { contents: lines.join("\n"), resolveDir: project },
    outfile: join(start.folder, file),
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "node24",
    legalComments: "none",
    logLevel: "error",
    plugins: [seldom],
  });
  const exported = {};
  for (const name of names) exported[name] = await exportsOf(name);
  // Last, and in one step. An earlier file stays: a process that is just starting may need it.
  const fresh = join(start.folder, `index.json.${process.pid}`);
  writeFileSync(fresh, JSON.stringify({ stamp, file, exported }));
  renameSync(fresh, join(start.folder, "index.json"));
}

await main();
