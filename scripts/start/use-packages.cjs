// For `node --require`.
require("./packages.cjs").usePackages();
