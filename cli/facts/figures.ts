import { printable } from "../../components/lib/text.ts";
import { progressIn } from "../../components/remote/progress.ts";
import { remoteError } from "../../components/ssh/remote-error.ts";
import type { Figures } from "./facts.ts";

/** Reads what figures.sh prints. Throws RemoteError when it is something else. */
export function figuresIn(said: string): Figures {
  const from = /^figures$/m.exec(said)?.index;
  if (from === undefined) throw remoteError("failed", "the machine does not say how it is");
  const rows = said.slice(from).split("\n");
  const numbers = (name: string) =>
    rows.filter((row) => row.startsWith(`${name} `)).map((row) => row.split(" ").slice(1).map(Number));
  const one = (name: string, at: number) => known(numbers(name)[0]?.[at]);
  const gpus = numbers("gpu");
  const sum = (at: number) =>
    gpus.length === 0 ? null : known(gpus.reduce((all, gpu) => all + (gpu[at] ?? Number.NaN), 0));
  const use = sum(0);
  const [, state, code] = /^training (runs|ended|not begun) ?(\d{1,3})?$/m.exec(said) ?? [];
  const lines = rows.filter((row) => row.startsWith("| ")).map((row) => printable(row.slice(2)));
  return {
    gpuUse: use === null ? null : use / gpus.length,
    gpuMemory: sum(1),
    gpuMemoryOf: sum(2),
    disk: one("disk", 0),
    diskOf: one("disk", 1),
    up: one("up", 0),
    training: state === "runs" || state === "ended" ? state : "not begun",
    exitCode: code === undefined ? null : Number(code),
    logAge: one("log", 0),
    line: lines.findLast((line) => line !== "") ?? "",
    progress: progressIn(lines),
  };
}

function known(figure: number | undefined): number | null {
  return figure === undefined || !Number.isFinite(figure) ? null : figure;
}
