import { spawnSync } from "node:child_process";

const HELP = `npm run check checks types, lint and format of the whole project, and brings the npm packages where they are missing.
It takes no options. \`node_modules/.bin/biome check --write .\` mends the format.
`;

const CHECKS = [
  ["tsc", "--noEmit"],
  ["biome", "check", "--error-on-warnings", "."],
] as const;

function main(): number {
  if (process.argv.includes("--help")) {
    process.stdout.write(HELP);
    return 0;
  }
  for (const [program, ...words] of CHECKS) {
    const { status } = spawnSync(`node_modules/.bin/${program}`, words, { stdio: "inherit" });
    if (status !== 0) return status ?? 1;
  }
  return 0;
}

process.exitCode = main();
