// Answers imports of packages from the one file that set-up makes of them (bundle.mjs): reading 1,200 small files costs a
// process half a second. Our own sources are always read as they are. Plain CommonJS: it runs before anything else.

const { createHash } = require("node:crypto");
const { existsSync, readFileSync } = require("node:fs");
const { enableCompileCache, registerHooks } = require("node:module");
const { join } = require("node:path");

const project = join(__dirname, "..", "..");
const folder = join(project, "node_modules", ".vast-training-start");
const SCHEME = "vast-training-package:";

/** What the file must fit to: anything else, and the packages themselves are loaded. */
function stampOf(nodeVersion) {
  const lock = createHash("sha256")
    .update(readFileSync(join(project, "package-lock.json")))
    .digest("hex");
  return `${nodeVersion} ${lock}`;
}

/** The index of the file that fits this version of Node; undefined when there is none. */
function indexFor(nodeVersion) {
  try {
    const known = JSON.parse(readFileSync(join(folder, "index.json"), "utf8"));
    return known.stamp === stampOf(nodeVersion) && existsSync(join(folder, known.file)) ? known : undefined;
  } catch {
    return undefined; // set-up has not made it yet, or it is damaged
  }
}

/** The text of a module that has the exports of a bundled one. */
function facade(name, { names, isCommonJs }) {
  const values = names.map((key, place) => `const v${place} = all[${JSON.stringify(key)}];`);
  const exported = names.map((key, place) => `v${place} as ${JSON.stringify(key)}`);
  return [
    `const all = globalThis[Symbol.for(${JSON.stringify(SCHEME)})](${JSON.stringify(name)});`,
    `export default ${isCommonJs ? "all" : "all.default ?? all"};`,
    ...values,
    `export { ${exported.join(", ")} };`,
  ].join("\n");
}

/** Two copies of one package in a process would not know each other's classes. Packages that are asked seldom are alone. */
function refuse(specifier, { exported }, parent = "") {
  if (parent.includes("/node_modules/")) return;
  const owner = specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
  if (!(owner in exported)) return;
  throw new Error(`${specifier} is not in the file that set-up made of the packages. Run: npm run setup`);
}

/** Serves the packages from here on, and gives the file; undefined = none fits, and everything is loaded as usual. */
function usePackages() {
  enableCompileCache(join(folder, "compiled")); // another one, where the environment names it
  const known = indexFor(process.version);
  if (known === undefined) return undefined;
  const packages = require(join(folder, known.file));
  globalThis[Symbol.for(SCHEME)] = (name) => packages.modules[name]();
  registerHooks({
    resolve(specifier, context, next) {
      if (specifier in known.exported) return { url: `${SCHEME}${specifier}`, shortCircuit: true };
      refuse(specifier, known, context.parentURL);
      return next(specifier, context);
    },
    load(url, context, next) {
      if (!url.startsWith(SCHEME)) return next(url, context);
      const name = url.slice(SCHEME.length);
      return { format: "module", source: facade(name, known.exported[name]), shortCircuit: true };
    },
  });
  return packages;
}

module.exports = { folder, indexFor, stampOf, usePackages };
