import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, linkSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readJson } from "./files.mjs";
import { fileBackend, pulumiHome, shown, stateDir } from "./paths.mjs";
import { makeStacks } from "./stacks.mjs";

/**
 * Where Pulumi keeps state for a user who is not logged in: variables for the shell, and a note for the user. Any login
 * that exists is left alone.
 */
export async function localBackend(env = process.env) {
  const folder = join(stateDir(), "backend");
  const url = fileBackend(folder);
  const login = ownLogin(env, url);
  if (login) return { variables: {}, note: `Your own Pulumi login is used (${login}).` };
  // The umask decides the modes of the folders that Pulumi makes in there.
  process.umask(process.umask(0o077) | 0o022);
  privateFolder(stateDir());
  privateFolder(folder);
  const variables = { PULUMI_BACKEND_URL: url, ...passphrase(env) };
  const made = await makeStacks(folder, { ...env, ...variables, PULUMI_SKIP_UPDATE_CHECK: "true" });
  const news = made.length === 0 ? "" : ` New stacks: ${made.join(", ")}.`;
  return { variables, note: `You have no Pulumi login, so state is kept in ${shown(folder)}.${news}` };
}

/** How the user has logged in; undefined when not at all. */
function ownLogin(env, ours) {
  if (env.PULUMI_BACKEND_URL && !isSamePlace(env.PULUMI_BACKEND_URL, ours)) return "PULUMI_BACKEND_URL";
  if (env.PULUMI_ACCESS_TOKEN) return "PULUMI_ACCESS_TOKEN";
  const file = join(pulumiHome(), "credentials.json");
  const current = readJson(file)?.current;
  return current && !isSamePlace(current, ours) ? `${current}, in ${shown(file)}` : undefined;
}

/** Without their options: an earlier version's had none. */
function isSamePlace(one, other) {
  return one.split("?")[0] === other.split("?")[0];
}

function privateFolder(folder) {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
}

/** A random passphrase, made once, that encrypts the secrets in the state. */
function passphrase(env) {
  const file = join(stateDir(), "passphrase");
  if (env.PULUMI_CONFIG_PASSPHRASE !== undefined) return {};
  if (env.PULUMI_CONFIG_PASSPHRASE_FILE && env.PULUMI_CONFIG_PASSPHRASE_FILE !== file) return {};
  if (!existsSync(file)) createOnce(file, `${randomBytes(32).toString("base64")}\n`);
  return { PULUMI_CONFIG_PASSPHRASE_FILE: file };
}

/** Writes a file that is whole and private from the start. Of two processes that race, the first wins. */
function createOnce(file, text) {
  const fresh = `${file}.${process.pid}`;
  writeFileSync(fresh, text, { mode: 0o600, flag: "wx" });
  try {
    linkSync(fresh, file);
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
  } finally {
    rmSync(fresh, { force: true });
  }
}
