import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onDisk } from "../lib/disk.ts";
import type { Check, Problem } from "../lib/problem.ts";
import { oneLine } from "../lib/text.ts";
import { runProgram } from "../programs/program.ts";
import { sshArgs } from "./ssh-key.ts";

const PATIENCE_MS = 10_000;
/** No such machine: ssh only reads its options. */
const NOWHERE = { instanceId: 1, port: 22, privateKeyFile: "/dev/null", knownHostsFile: "/dev/null", firstUse: true };

const SSH = ["ssh", ...sshArgs(NOWHERE), "-G", "localhost"];

/** Programs of this machine that a run needs, and a call that shows that each works. */
const PROGRAMS: readonly { readonly name: string; readonly call: readonly string[]; readonly comes: string }[] = [
  { name: "ssh", call: SSH, comes: "OpenSSH's client, 7.6 or newer" },
  { name: "rsync", call: ["rsync", "--version"], comes: "rsync, which brings checkpoints home" },
  { name: "git", call: ["git", "--version"], comes: "git" },
];

/**
 * Do the programs here work, with our options, and can a login keep something for a moment? A fault of this machine is not
 * to be looked for with rented ones.
 */
export async function checkPrograms(env: NodeJS.ProcessEnv): Promise<Check<true>> {
  const problems = await Promise.all(PROGRAMS.map((program) => problemWith(program, env)));
  const found = [...problems, problemWithScratch(env.TMPDIR || tmpdir())].filter((problem) => problem !== undefined);
  return found.length > 0 ? { problems: found } : { value: true, problems: [] };
}

/**
 * The ciphers that ssh here offers of its own accord, but AES-GCM first: processors have instructions for it, so a copy
 * takes two thirds of the time of ssh's first choice. None is added, because an ssh that lacks one refuses to start.
 * undefined = leave it to ssh: it does not tell, or has no AES-GCM.
 */
export async function fastCiphers(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const { stdout } = await runProgram(SSH, { env, timeoutMs: PATIENCE_MS });
  const [, words = ""] = /^ciphers (\S+)$/m.exec(stdout.toString()) ?? [];
  const ciphers = words.split(",");
  const fast = ciphers.filter((cipher) => /^aes\d+-gcm@/.test(cipher));
  return fast.length === 0 ? undefined : [...new Set([...fast, ...ciphers])].join(",");
}

/** A batch job's own TMPDIR, for one, is gone when the job has ended. */
function problemWithScratch(folder: string): Problem | undefined {
  try {
    onDisk(folder, () => {
      const scratch = mkdtempSync(join(folder, "vast-training-"));
      try {
        writeFileSync(join(scratch, "file"), "x");
      } finally {
        rmSync(scratch, { recursive: true, force: true });
      }
    });
    return undefined;
  } catch (error) {
    return { key: "TMPDIR", found: (error as Error).message, write: "set TMPDIR to a folder you can write to" };
  }
}

async function problemWith(
  { name, call, comes }: (typeof PROGRAMS)[number],
  env: NodeJS.ProcessEnv,
): Promise<Problem | undefined> {
  const { code, stderr, cut, unstarted } = await runProgram(call, { env, timeoutMs: PATIENCE_MS });
  if (unstarted === undefined && cut === undefined && code === 0) return undefined;
  const said = oneLine(stderr, 200);
  const why = cut === "timeout" ? `no end within ${PATIENCE_MS / 1000} s` : said || `exit code ${code}`;
  const found = unstarted === undefined ? `${name} does not work here (${why})` : `there is no ${name} on PATH`;
  return { key: "PATH", found, write: `install ${comes}, or put it on PATH` };
}
