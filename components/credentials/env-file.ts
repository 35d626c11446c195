/** The contents of an env file, as a shell that sources it would see them. */
export interface EnvFile {
  readonly values: Readonly<Record<string, string>>;
  /** Names whose value only a shell could work out; never in `values`. */
  readonly doubts: Readonly<Record<string, DoubtfulLine>>;
  /** Every text assigned to a name, to be treated as a secret. */
  readonly texts: readonly string[];
}

export interface DoubtfulLine {
  /** Line number, from 1. */
  readonly line: number;
  /** A clause that shows nothing of the value. */
  readonly why: string;
}

/**
 * Reads NAME=value lines: with or without `export` and quotes, several on a line, comments, values over several lines.
 * The last assignment of a name wins. A value that a shell would run, expand or decide is in doubt. More lenient than a
 * shell about CRLF, blanks around `=` and `NAME: value`, because their meaning is clear.
 */
export function readEnvFile(text: string): EnvFile {
  const all = text.replace(/^\uFEFF/, "").replace(/\r\n?/g, "\n");
  const found = new Map<string, string | DoubtfulLine>();
  const texts: string[] = [];
  let decided: string | undefined;
  for (let at = 0; at < all.length; ) {
    const line = all.slice(0, at).split("\n").length;
    const statement = statementAt(all, at);
    const words = all.slice(at, lineEnd(all, at));
    const [keyword] = STRUCTURE.exec(words) ?? [];
    for (const name of UNSET.exec(words)?.[1]?.split(/\s+/) ?? []) found.delete(name);
    if (statement.words.length === 0 && keyword !== undefined) decided ??= keyword.trim();
    const why =
      statement.why ?? (decided === undefined ? undefined : `comes behind ${decided}, and a shell decides there`);
    for (const { name, value } of statement.words) found.set(name, why === undefined ? value : { line, why });
    if (statement.why !== undefined) {
      for (const [, name = ""] of all.slice(at, statement.end).matchAll(/\b([A-Za-z_]\w*)\+?=/g)) {
        found.set(name, { line, why: statement.why });
      }
    }
    if (statement.words.length > 0) {
      const values = statement.words.map(({ value }) => value);
      const raw = why === undefined ? [] : all.slice(at, statement.end).split(/[\s=;'"]+/);
      texts.push(...values, ...raw);
    }
    const isCertain = statement.words.length > 0 ? statement.why === undefined : /^\s*(#|$)/.test(words);
    if (!isCertain && isOpen(words)) decided ??= `line ${line}`;
    at = statement.end + 1;
  }
  const pick = <T>(is: (entry: string | DoubtfulLine) => entry is T & (string | DoubtfulLine)) =>
    Object.fromEntries([...found].flatMap(([name, entry]) => (is(entry) ? [[name, entry]] : []))) as Record<string, T>;
  return {
    values: pick((entry): entry is string => typeof entry === "string"),
    doubts: pick((entry): entry is DoubtfulLine => typeof entry !== "string"),
    texts,
  };
}

/** Only the values that are certain. */
export function envValues(text: string): Readonly<Record<string, string>> {
  return readEnvFile(text).values;
}

/** After such a line, the text alone does not tell what is assigned. */
const STRUCTURE =
  /^[ \t]*(?:(?:if|then|else|elif|fi|for|while|until|do|done|case|esac|function|return|exit|[{}()])(?=[\s;]|$)|\w+[ \t]*\(\)|.*<<|[^#]*&&[ \t]*(?:return|exit)\b)/;
/** Does the statement go on in the next line? */
function isOpen(line: string): boolean {
  const count = (pattern: RegExp) => line.match(pattern)?.length ?? 0;
  const isOdd = [/'/g, /"/g, /`/g].some((quote) => count(quote) % 2 === 1);
  return isOdd || count(/\(/g) !== count(/\)/g) || count(/\{/g) !== count(/\}/g) || /(\||&&|\\)[ \t]*$/.test(line);
}

const UNSET = /^[ \t]*unset[ \t]+([\w \t]+)/;
const HEAD = /[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)(?:[ \t]+=[ \t]*|=|:[ \t]+)/y;
const NEXT = /[ \t]+([A-Za-z_]\w*)=/y;
/** What may follow a value: nothing, a comment, or an `export` of the names just set. */
const REST = /[ \t]*(?:;[ \t]*(?:export(?:[ \t]+[A-Za-z_]\w*)+)?[ \t]*;?[ \t]*)?(?:(?<=[\s;])#[^\n]*)?(?=\n|$)/y;

interface Statement {
  readonly words: readonly { readonly name: string; readonly value: string }[];
  /** Why none of the values is certain. */
  readonly why?: string;
  /** Position of the line's end. */
  readonly end: number;
}

function statementAt(all: string, start: number): Statement {
  const words: { name: string; value: string }[] = [];
  let head = match(HEAD, all, start);
  let at = start;
  while (head !== null) {
    const word = wordAt(all, head.end);
    words.push({ name: head.name, value: word.value });
    at = word.at;
    if (word.why !== undefined) return { words, why: word.why, end: lineEnd(all, at) };
    head = match(NEXT, all, at);
  }
  const end = lineEnd(all, at);
  if (words.length === 0 || match(REST, all, at) !== null) return { words, end };
  return { words, why: "has more behind it that a shell takes for a command", end };
}

function match(pattern: RegExp, text: string, at: number): { name: string; end: number } | null {
  pattern.lastIndex = at;
  const found = pattern.exec(text);
  return found && { name: found[1] ?? "", end: pattern.lastIndex };
}

function lineEnd(all: string, at: number): number {
  const end = all.indexOf("\n", at);
  return end < 0 ? all.length : end;
}

/** One word of a shell. */
function wordAt(all: string, start: number): { value: string; at: number; why?: string } {
  let [value, at] = ["", start];
  const doubt = (why: string) => ({ value, at, why });
  // After blanks, a # begins a comment, so the value is empty.
  if (all[at] === "#" && /[ \t]/.test(all[at - 1] ?? "")) return { value, at };
  while (at < all.length && !/[\s;]/.test(all[at] ?? "")) {
    const char = all[at] ?? "";
    if (char === "'" || char === '"') {
      const quoted = char === "'" ? literalAt(all, at) : quotedAt(all, at);
      if (typeof quoted === "string") return doubt(quoted);
      value += quoted.value;
      at = quoted.at;
    } else if (char === "\\") {
      value += all[at + 1] === "\n" ? "" : (all[at + 1] ?? "\\");
      at += 2;
    } else if (isExpansion(all, at, true)) return doubt(EXPANDED);
    else if (char === "~" && (value === "" || all[at - 1] === ":"))
      return doubt("begins with ~, which a shell expands");
    else if (/[&|<>(){]/.test(char)) return doubt(`holds ${char}, which a shell does not take for a part of it`);
    else {
      value += char;
      at += 1;
    }
  }
  return { value, at: Math.min(at, all.length) };
}

const EXPANDED = "holds $ or `, which a shell expands";
const OPEN = "opens a quote that is never closed";

function isExpansion(all: string, at: number, isBare: boolean): boolean {
  const [char = "", next = ""] = [all[at], all[at + 1]];
  return char === "`" || (char === "$" && /[\w{([@*#?$!-]/.test(next)) || (isBare && /^\$['"]/.test(char + next));
}

function literalAt(all: string, start: number): { value: string; at: number } | string {
  const end = all.indexOf("'", start + 1);
  return end < 0 ? OPEN : { value: all.slice(start + 1, end), at: end + 1 };
}

function quotedAt(all: string, start: number): { value: string; at: number } | string {
  let value = "";
  for (let at = start + 1; at < all.length; at++) {
    const [char = "", next = ""] = [all[at], all[at + 1]];
    if (char === '"') return { value, at: at + 1 };
    if (isExpansion(all, at, false)) return EXPANDED;
    if (char === "\\" && /[$`"\\\n]/.test(next)) {
      value += next === "\n" ? "" : next;
      at += 1;
    } else value += char;
  }
  return OPEN;
}
