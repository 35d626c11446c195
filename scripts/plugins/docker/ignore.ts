import { posix } from "node:path";

/** What an ignore file leaves out of a build's context. Paths are relative, with slashes, without "./". */
export interface Ignored {
  /** Whether this file or folder itself is left out. */
  covers(path: string): boolean;
  /** Whether everything in a folder is left out, so that it need not be read. */
  coversAllIn(folder: string): boolean;
}

interface Rule {
  pattern: string;
  keeps: boolean;
  regex: RegExp;
}

/** @param text of the file. By Docker's rules, the last rule that fits a path or a folder above it decides */
export function ignoring(text: string): Ignored {
  const rules = text
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .filter((line) => !line.startsWith("#"))
    .map((line) => line.trim())
    .filter((line) => line !== "" && line !== "!")
    .map(ruleOf);
  const covers = (path: string) => {
    const names = path.split("/");
    const paths = names.map((_, last) => names.slice(0, last + 1).join("/"));
    const decisive = rules.findLast(({ regex }) => paths.some((one) => regex.test(one)));
    return decisive !== undefined && !decisive.keeps;
  };
  return {
    covers,
    coversAllIn: (folder) => covers(folder) && !rules.some((rule) => rule.keeps && mayKeepIn(folder, rule.pattern)),
  };
}

function ruleOf(line: string): Rule {
  const keeps = line.startsWith("!");
  const cleaned = posix.normalize((keeps ? line.slice(1) : line).trim()).replace(/\/$/, "");
  const pattern = cleaned.length > 1 ? cleaned.replace(/^\//, "") : cleaned;
  return { pattern, keeps, regex: regexOf(pattern) };
}

/** A rule with a wildcard may keep something anywhere. */
function mayKeepIn(folder: string, pattern: string): boolean {
  return /[*?[\\]/.test(pattern) || `${pattern}/`.startsWith(`${folder}/`);
}

/** `**` is any number of folders, `*` and `?` stay within a name, `[...]` is a class, a backslash escapes. */
function regexOf(pattern: string): RegExp {
  const tokens = pattern.match(/\*\*\/|\*\*|\*|\?|\\.|\[[^\]]*\]|./gs) ?? [];
  const source = tokens.map((token) => {
    if (token === "**/") return "(?:.*/)?";
    if (token === "**") return ".*";
    if (token === "*") return "[^/]*";
    if (token === "?") return "[^/]";
    if (token.length > 1 && token.startsWith("[")) return token;
    const letter = token.length > 1 ? token.slice(1) : token;
    return /\w|[^ -~]/.test(letter) ? letter : `\\${letter}`;
  });
  return new RegExp(`^${source.join("")}$`, "s");
}
