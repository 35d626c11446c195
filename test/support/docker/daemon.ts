import { type SpawnOptions, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import type { Readable, Writable } from "node:stream";

export interface Daemon {
  readonly pid: number;
  readonly stdin: Writable;
  readonly ended: Promise<void>;
  /** Resolves when a line of its output matches; rejects with the end of its output when it ends before. */
  says(pattern: RegExp): Promise<RegExpExecArray>;
  /** SIGTERM, then, after ten seconds, SIGKILL; resolves when it has ended. */
  end(): Promise<void>;
}

/** Starts a program that serves until it is ended; it dies with this process, however that happens. */
export function startDaemon(file: string, args: readonly string[], options: SpawnOptions = {}): Daemon {
  const tied = existsSync("/usr/bin/setpriv") ? ["/usr/bin/setpriv", "--pdeathsig", "KILL", "--", file, ...args] : [];
  const [program = file, ...words] = tied.length > 0 ? tied : [file, ...args];
  const child = spawn(program, words, { ...options, stdio: "pipe" });
  let said = "";
  const waiting = new Set<() => void>();
  let gone = false;
  const ended = new Promise<void>((resolve) => {
    const end = (error?: Error) => {
      gone = true;
      if (error) said += `${error.message}\n`;
      for (const look of waiting) look();
      resolve();
    };
    child.once("error", end);
    child.once("close", () => end());
  });
  for (const from of [child.stdout, child.stderr] as Readable[]) {
    from.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      for (const look of waiting) look();
    });
  }
  return {
    pid: child.pid ?? 0,
    stdin: child.stdin as Writable,
    ended,
    says: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const match = pattern.exec(said);
          if (!match && !gone) return;
          waiting.delete(look);
          if (match) resolve(match);
          else reject(new Error(`${file} ended:\n${said.trimEnd().split("\n").slice(-15).join("\n")}`));
        };
        waiting.add(look);
        look();
      }),
    end: async () => {
      child.kill("SIGTERM");
      const hard = setTimeout(() => child.kill("SIGKILL"), 10_000);
      await ended;
      clearTimeout(hard);
    },
  };
}
