import { parse } from "dotenv";

/**
 * NAME=value lines as a shell would take them: `export` or not, quoted or not, comments, CRLF, blanks around `=`; the last
 * line of a name wins. A quoted value may go over several lines. Nothing is expanded.
 */
export function envValues(text: string): Record<string, string> {
  return parse(text.replace(BARE, withinQuotes));
}

/** dotenv takes # for a comment wherever it is; in a bare value a shell does so only behind a blank. */
const BARE = /^([ \t]*(?:export[ \t]+)?[A-Za-z_]\w*[ \t]*=[ \t]*)([^\s'"`#][^\r\n]*)/gm;

function withinQuotes(line: string, name: string, rest: string): string {
  const value = rest.replace(/\s+#.*$/, "").trimEnd();
  const quote = ["'", "`", '"'].find((mark) => !value.includes(mark));
  return value.includes("#") && quote !== undefined ? `${name}${quote}${value}${quote}` : line;
}
