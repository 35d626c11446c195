import { columns, cut } from "../command/columns.ts";
import { timeText } from "./lines.ts";
import type { Status } from "./status.ts";

const HEAD = ["STACK", "PHASE", "SINCE", "INSTANCE", "GPU", "COST", "$/H"];

/** A line for each stack, and one for whatever Vast did not say. @param width characters in a line */
export function allLines(all: readonly Status[], now: number, width: number): string[] {
  if (all.length === 0) return ["Nothing was rented or quoted from here yet"];
  const rows = all.map((status) => cells(status, now));
  const doubts = all.flatMap(({ stack, asked: { instance } }) =>
    instance.why === null ? [] : [`${stack}: ${instance.why}`],
  );
  return [...columns(HEAD, rows, [5, 6]).split("\n"), ...doubts].map((line) => cut(line, width));
}

function cells({ stack, phase, phaseAt, instance, gpu, dollars, isLeast, perHour }: Status, now: number): string[] {
  const cost = dollars === null ? "?" : `${isLeast ? ">" : ""}${dollars.toFixed(2)}`;
  return [
    cut(stack, 20),
    phase,
    phaseAt === null ? "" : timeText(phaseAt, now),
    instance === null ? "" : String(instance),
    cut(gpu ?? "", 18),
    cost,
    perHour === null ? "?" : perHour.toFixed(3),
  ];
}
