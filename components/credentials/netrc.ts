/** What a netrc file says about one machine. */
export interface NetrcEntry {
  readonly login: string;
  readonly password: string;
}

/**
 * The entry of a machine in the text of a netrc file; undefined = none with a password. `default` is not used: it would
 * hand a password to a machine that nobody named.
 */
export function netrcEntry(text: string, machine: string): NetrcEntry | undefined {
  const words = wordsOf(withoutMacros(text));
  for (let at = words.indexOf("machine"); at >= 0; at = words.indexOf("machine", at + 1)) {
    if (words[at + 1] !== machine) continue;
    const entry = entryAt(words, at + 2);
    if (entry.password !== "") return entry;
  }
  return undefined;
}

/** Every password in the text of a netrc file; where that is a word of GitHub's, or missing, the login is the token. */
export function netrcPasswords(text: string): string[] {
  const words = wordsOf(withoutMacros(text));
  return words.flatMap((word, at) => {
    if (word !== "machine" && word !== "default") return [];
    const { login, password } = entryAt(words, word === "machine" ? at + 2 : at + 1);
    return ["", "x-oauth-basic"].includes(password) ? [login] : [password];
  });
}

function entryAt(words: readonly string[], start: number): NetrcEntry {
  const entry = { login: "", password: "" };
  for (let at = start; at < words.length; at += 2) {
    const [word, value = ""] = [words[at], words[at + 1]];
    if (word === "login") entry.login = value;
    else if (word === "password") entry.password = value;
    else if (word !== "account") break;
  }
  return entry;
}

/** A macro lasts until the next empty line. */
function withoutMacros(text: string): string {
  return text.replace(/\r\n/g, "\n").replace(/^[ \t]*macdef[^\n]*\n(?:[^\n]+(?:\n|$))*/gm, "");
}

/** Words between blanks; a word in quotes may hold blanks; # begins a comment where a word could begin. */
function wordsOf(text: string): string[] {
  const found = text.matchAll(/#[^\n]*|"((?:\\.|[^"\\])*)"|(\S+)/g);
  return [...found].flatMap(([, quoted, bare]) => {
    if (quoted !== undefined) return [quoted.replace(/\\(.)/g, "$1")];
    return bare === undefined ? [] : [bare];
  });
}
