import { chmodSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { onDisk } from "../lib/disk.ts";

/** The person's own ssh config. */
export function userConfigFile(env: NodeJS.ProcessEnv = process.env): string {
  return join(env.HOME || homedir(), ".ssh", "config");
}

/** Puts a line first, before whatever holds for all hosts; false = it is there already, wherever. */
export function install(line: string, file: string): boolean {
  const text = textOf(file);
  if (holds(text, line)) return false;
  rewrite(file, `${line}\n${text}`);
  return true;
}

/** Takes the line out again; false = it is not there. */
export function uninstall(line: string, file: string): boolean {
  const text = textOf(file);
  if (!holds(text, line)) return false;
  const lines = text.split("\n").filter((one) => one.trim() !== line);
  rewrite(file, lines.join("\n"));
  return true;
}

function holds(text: string, line: string): boolean {
  return text.split("\n").some((one) => one.trim() === line);
}

function textOf(file: string): string {
  return onDisk(file, () => (statSync(file, { throwIfNoEntry: false }) ? readFileSync(file, "utf8") : ""));
}

/** In one step; a link stays a link, and who may read it stays as it was. */
function rewrite(file: string, text: string): void {
  onDisk(file, () => {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const found = statSync(file, { throwIfNoEntry: false });
    const target = found ? realpathSync(file) : file;
    const draft = `${target}.vast-${process.pid}`;
    try {
      writeFileSync(draft, text, { mode: 0o600, flag: "wx" });
      if (found) chmodSync(draft, found.mode & 0o7777);
      renameSync(draft, target);
    } finally {
      rmSync(draft, { force: true });
    }
  });
}
