import { readFileSync } from "node:fs";

/** Mount points inside a folder, as this process sees them. Empty where there is no /proc. */
export function mountsBelow(folder: string): string[] {
  return mountPoints().filter((point) => point.startsWith(`${folder}/`));
}

function mountPoints(): string[] {
  try {
    const lines = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
    return lines.map((line) => unescapeOctal(line.split(" ")[4] ?? ""));
  } catch {
    return [];
  }
}

/** The kernel writes blanks in a path as \040. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
