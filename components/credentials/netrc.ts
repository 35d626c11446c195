import { absolute } from "../lib/path.ts";

/** Path of the netrc file. NETRC replaces the default path, as for every program that reads it. */
export function netrcPath(file: string, env: NodeJS.ProcessEnv): string {
  return absolute(file === USUAL && env.NETRC ? env.NETRC : file, env);
}

const USUAL = "~/.netrc";

/** What a netrc file says about one machine. */
export interface NetrcEntry {
  readonly login: string;
  readonly password: string;
}

/**
 * The entry of a machine in the text of a netrc file. Read as Python's netrc reads it, which wandb and requests use:
 * the last entry counts, and a file that Python refuses has none. undefined = no entry with a password. `default` is
 * ignored: it would give a password to a machine that nobody named.
 */
export function netrcEntry(text: string, machine: string): NetrcEntry | undefined {
  const entry = entriesIn(text)?.get(machine);
  return entry?.password ? entry : undefined;
}

/**
 * Every password in the text of a netrc file. Where the password is missing or a fixed word of GitHub's, the login is
 * the token.
 */
export function netrcPasswords(text: string): string[] {
  const words = new Words(text).rest();
  const after = (name: string) => words.filter((_, at) => words[at - 1] === name);
  const passwords = after("password").filter((word) => word !== "x-oauth-basic");
  const isToken = passwords.length < words.filter((word) => word === "machine" || word === "default").length;
  return [...passwords, ...(isToken ? [...after("login"), ...after("user")] : [])];
}

/** Entries by machine; undefined where Python would refuse the file. */
function entriesIn(text: string): Map<string, NetrcEntry> | undefined {
  const words = new Words(text);
  const entries = new Map<string, NetrcEntry>();
  for (let word = words.next(); word !== ""; word = words.next()) {
    if (word.startsWith("#")) {
      // Only a # that stands alone makes the rest of its line a comment here, as in Python.
      if (word === "#") words.skipLine();
    } else if (word === "machine" || word === "default") {
      const name = word === "machine" ? words.next() : word;
      const entry = name === "" ? undefined : entryAt(words);
      if (entry === undefined) return undefined;
      entries.set(word === "machine" ? name : "", entry);
    } else if (word !== "macdef" || !skipMacro(words)) return undefined;
  }
  return entries;
}

const TOP = ["", "machine", "default", "macdef"];

function entryAt(words: Words): NetrcEntry | undefined {
  const entry = { login: "", password: "" };
  for (;;) {
    const word = words.next();
    if (word.startsWith("#")) words.skipLine();
    else if (TOP.includes(word)) {
      words.back(word);
      return entry;
    } else if (word === "login" || word === "user") entry.login = words.next();
    else if (word === "password") entry.password = words.next();
    else if (word === "account") words.next();
    else return undefined;
  }
}

/** Skips a macro, which lasts until the next empty line; false if there is none. */
function skipMacro(words: Words): boolean {
  words.next();
  for (;;) {
    const line = words.line();
    if (line === "\n") return true;
    if (line === "") return false;
  }
}

/** Splits text at blanks; a quoted word may hold blanks, and a backslash keeps the next character as it is. */
class Words {
  readonly #text: string;
  #at = 0;
  /** Did a line end before or right after the last word? */
  #hasLineEnd = false;
  #pushed: string | undefined;

  constructor(text: string) {
    this.#text = text.replace(/^\uFEFF/, "").replace(/\r\n?/g, "\n");
  }

  /** The next word; "" at the end. */
  next(): string {
    const pushed = this.#pushed;
    this.#pushed = undefined;
    this.#hasLineEnd = false;
    if (pushed !== undefined) return pushed;
    const start = this.#at;
    let char = this.#read();
    while (isBlank(char)) char = this.#read();
    const isQuoted = char === '"';
    let word = "";
    if (isQuoted) char = this.#read();
    while (char !== "" && !(isQuoted ? char === '"' : isBlank(char))) {
      word += char === "\\" ? this.#read() : char;
      char = this.#read();
    }
    this.#hasLineEnd = this.#text.slice(start, this.#at).includes("\n");
    return word;
  }

  back(word: string): void {
    this.#pushed = word;
  }

  /** Skips the rest of a comment's line. As in Python, nothing is skipped when a line ended around the last word. */
  skipLine(): void {
    if (!this.#hasLineEnd) this.line();
  }

  /** The rest of the line, with its newline. */
  line(): string {
    const end = this.#text.indexOf("\n", this.#at);
    const line = this.#text.slice(this.#at, end < 0 ? undefined : end + 1);
    this.#at += line.length;
    return line;
  }

  rest(): string[] {
    const words: string[] = [];
    for (let word = this.next(); word !== "" || this.#at < this.#text.length; word = this.next()) words.push(word);
    return words;
  }

  #read(): string {
    return this.#text[this.#at++] ?? "";
  }
}

function isBlank(char: string): boolean {
  return char !== "" && "\n\t\r ".includes(char);
}
