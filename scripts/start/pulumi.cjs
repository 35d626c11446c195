// Runs one of Pulumi's Node programs, which is the first word: from the one file of packages where it is of this project.

const { realpathSync } = require("node:fs");
const { join, sep } = require("node:path");
const { usePackages } = require("./packages.cjs");

const [node, , main, ...words] = process.argv;
process.argv = [node, main, ...words];

const ours = realpathSync(join(__dirname, "..", "..", "node_modules")) + sep;
const file = realpathSync(main);
const packages = file.startsWith(ours) ? usePackages() : undefined;
if (packages !== undefined) {
  // Pulumi.yaml says so. The language host that set-up builds is older than this option, and would load a compiler.
  process.env.PULUMI_NODEJS_TYPESCRIPT = "false";
  packages.programs[file.slice(ours.length)]();
} else {
  require(file);
}
