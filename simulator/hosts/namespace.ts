import { execFile } from "node:child_process";
import { accessSync, constants, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { SYSTEM_PATH } from "./container.ts";
import type { StorageKind } from "./storage.ts";

const run = promisify(execFile);

const programs = ["bash", "git", "mount", "pivot_root", "python3", "setpriv", "ssh-keygen", "sshd", "unshare"];

/** Tries the mounts that enter.sh makes. */
const trial = `
mkdir upper work machine
if mount -t overlay trial -o lowerdir=/usr,upperdir=upper,workdir=work,volatile machine 2>/dev/null; then
  echo overlay
else
  echo copy
fi
mount -t tmpfs trial machine
mkdir machine/proc machine/dev
mount -t proc proc machine/proc
mount -t devpts -o newinstance devpts machine/dev
mount --bind machine/proc machine/dev
`;

/**
 * Checks that machines can be made below a folder, and answers how their files are kept there. Throws one sentence that
 * names what is missing.
 */
export async function requireNamespaces(folder: string): Promise<StorageKind> {
  if (process.platform !== "linux") {
    throw new Error(
      `The simulator's machines need Linux, because each is a set of namespaces; this is ${process.platform}.`,
    );
  }
  if (process.geteuid?.() !== 0) {
    throw new Error(
      `The simulator's machines need root, because each is a set of namespaces; this is user ${process.geteuid?.()}.`,
    );
  }
  const missing = programs.filter((name) => !isThere(name));
  if (missing.length > 0) {
    throw new Error(
      `The simulator's machines need these programs, which are not installed: ${missing.join(", ")} ` +
        "(Debian: apt-get install openssh-server util-linux git python3 python3-pip).",
    );
  }
  return tryOut(folder);
}

function isThere(program: string): boolean {
  return SYSTEM_PATH.split(":").some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

async function tryOut(folder: string): Promise<StorageKind> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const cwd = mkdtempSync(join(folder, "trial-"));
  const namespaces = ["--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child=KILL"];
  try {
    const { stdout } = await run("unshare", [...namespaces, "/bin/sh", "-euc", trial], {
      cwd,
      env: { PATH: SYSTEM_PATH },
    });
    return stdout.trim() === "overlay" ? "overlay" : "copy";
  } catch (error) {
    const words = (error as { stderr?: string }).stderr?.trim().split("\n").at(-1) ?? String(error);
    throw new Error(
      "The simulator's machines need mount, pid, uts and ipc namespaces with mounts in them, and this system refuses " +
        `(${words}); in a container they take the capability SYS_ADMIN (docker run --privileged).`,
    );
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
}
