// Prints what `eval "$(npm run -s shellenv)"` needs; notes go to stderr. Runs on an old Node, without any package.

import { join } from "node:path";
import { localBackend } from "./setup/backend.mjs";
import { isThere } from "./setup/files.mjs";
import { leftLocks } from "./setup/locks.mjs";
import { binDir, compileCacheDir, shellenv, shown } from "./setup/paths.mjs";
import { Stop } from "./setup/stop.mjs";

/** The text as one word of sh, bash and zsh. */
export function quoted(text) {
  return `'${text.replace(/'/g, "'\\''")}'`;
}

/**
 * Pulumi's parts talk to each other over 127.0.0.1, through a library (gRPC) that would send even that to a proxy. Only
 * that library reads no_grpc_proxy, in place of no_proxy. Its value may hold no blanks.
 */
function withoutProxy({ no_grpc_proxy: own, no_proxy: all }) {
  const hosts = (own || all || "").split(",").map((host) => host.trim());
  return [...new Set([...hosts, "127.0.0.1", "localhost"])].filter((host) => host !== "").join(",");
}

async function main() {
  if (!isThere(join(binDir, "vast-run")) || !isThere(join(binDir, "pulumi"))) {
    throw new Stop(`The toolchain is not there yet. Run: npm run setup && ${shellenv}`);
  }
  const { variables, note } = await localBackend();
  const path = `case "$PATH" in ${quoted(binDir)}:*) ;; *) export PATH=${quoted(binDir)}:"$PATH" ;; esac`;
  const speed = process.env.NODE_COMPILE_CACHE ? {} : { NODE_COMPILE_CACHE: compileCacheDir() };
  const exports = Object.entries({
    PULUMI_SKIP_UPDATE_CHECK: "true",
    no_grpc_proxy: withoutProxy(process.env),
    ...speed,
    ...variables,
  });
  console.log([path, ...exports.map(([name, value]) => `export ${name}=${quoted(value)}`)].join("\n"));
  console.error(`pulumi and vast-run are those of ${shown(binDir)}. ${note}`);
  // Pulumi itself would name only `pulumi cancel`, which does half of it.
  for (const stack of leftLocks(variables.PULUMI_BACKEND_URL || process.env.PULUMI_BACKEND_URL, "vast-training")) {
    console.error(
      `A pulumi command of stack ${stack} was cut short. This puts it in order: vast-run recover -s ${stack}`,
    );
  }
  if (process.stdout.isTTY) console.error(`Nothing has changed in this shell yet. Type: ${shellenv}`);
}

try {
  await main();
} catch (error) {
  if (!(error instanceof Stop)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
