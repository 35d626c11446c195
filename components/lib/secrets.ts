/** Shorter values are not taken out: as common words they would blank out unrelated text. */
const SHORTEST = 8;
const MARK = "[secret]";

/** All forms of the credentials that this process has read, so that nothing it shows holds one. */
const known = new Set<string>();
/** Their beginnings and ends: a text with none of these holds no credential. */
const edges = new Set<string>();

/** Takes these values, from now on, out of everything that this process shows. */
export function learnSecrets(values: Iterable<string | undefined>): void {
  for (const form of [...values].flatMap((value) => formsOf(value ?? ""))) {
    known.add(form);
    edges.add(form.slice(0, SHORTEST)).add(form.slice(-SHORTEST));
  }
}

/**
 * The text without credentials: those that this process has read, and whatever stands before the @ of a URL. Each is
 * found as it is, as a shell, JSON and a URL write it, in base64 at any offset in a longer text, and in part, from 8
 * characters on, where a line was cut within it.
 *
 * Call it before a text is cut: a part from the middle of a line is not recognised.
 */
export function hidden(text: string): string {
  if (text.length < SHORTEST) return text;
  return withoutUserInfo(text.split("\n").map(withoutForms).join("\n"));
}

/** The same for a text in chunks: what may be the beginning of a credential waits for the next chunk. */
export class HiddenText {
  #held = "";

  write(chunk: string): string {
    const text = this.#held + chunk;
    const at = text.length > MOST_HELD ? text.length : wholeUntil(text);
    this.#held = text.slice(at);
    return hidden(text.slice(0, at));
  }

  end(): string {
    const rest = hidden(this.#held);
    this.#held = "";
    return rest;
  }
}

const MOST_HELD = 64 * 1024;

/** How much of a text can be shown already: up to its last word, or to a credential that has begun. */
function wholeUntil(text: string): number {
  const word = text.length - (/\S*$/.exec(text)?.[0].length ?? 0);
  const begun = [...known].map((form) => {
    if (!/\s/.test(form)) return word;
    for (let at = Math.max(word - form.length + 1, 0); at < word; at++)
      if (form.startsWith(text.slice(at, at + form.length))) return at;
    return word;
  });
  return Math.min(word, ...begun);
}

/** Where a line holds a form, or a part of one at its ends: [from, to). */
function spansOf(line: string, form: string): [number, number][] {
  const spans: [number, number][] = [];
  for (let at = line.indexOf(form); at >= 0; at = line.indexOf(form, at + 1)) spans.push([at, at + form.length]);
  const [head, tail] = [form.slice(0, SHORTEST), form.slice(-SHORTEST)];
  const end = line.lastIndexOf(tail, form.length - SHORTEST) + SHORTEST;
  if (end >= SHORTEST && form.endsWith(line.slice(0, end))) spans.push([0, end]);
  const cut = line.replace(/(?:…|\.\.\.)$/, "");
  for (let at = cut.indexOf(head, cut.length - form.length); at >= 0; at = cut.indexOf(head, at + 1))
    if (form.startsWith(cut.slice(at))) spans.push([at, line.length]);
  return spans;
}

function mayHoldForms(line: string): boolean {
  for (let at = 0; at + SHORTEST <= line.length; at++) if (edges.has(line.slice(at, at + SHORTEST))) return true;
  return false;
}

function withoutForms(line: string): string {
  if (!mayHoldForms(line)) return line;
  const spans = [...known].flatMap((form) => spansOf(line, form)).sort(([one], [other]) => one - other);
  let shown = "";
  let done = 0;
  for (const [from, to] of spans) {
    if (from > done || shown === "") shown += line.slice(done, from) + MARK;
    done = Math.max(done, to);
  }
  return shown + line.slice(done);
}

/** Each line of a secret in all forms in which it may appear, none shorter than 8 characters. */
export function formsOf(secret: string): string[] {
  const lines = secret.split(/[\r\n]+/).map((line) => line.trim());
  const forms = lines.filter((line) => line.length >= SHORTEST).flatMap(formsOfLine);
  return [...new Set(forms)].filter((form) => form.length >= SHORTEST);
}

function formsOfLine(line: string): string[] {
  const json = (text: string) => JSON.stringify(text).slice(1, -1);
  const url = encodeURIComponent(line);
  const lower = url.replace(/%../g, (code) => code.toLowerCase());
  const form = new URLSearchParams({ v: line }).toString().slice(2);
  return [
    line,
    line.replace(/\s+/g, " "),
    json(line),
    json(json(line)),
    line.replaceAll("'", "'\\''"),
    url,
    lower,
    form,
    ...base64Forms(line),
  ];
}

/** The part of its base64 that is the same after zero, one or two preceding bytes, in both alphabets. */
function base64Forms(text: string): string[] {
  const bytes = Buffer.from(text);
  return [0, 1, 2].flatMap((before) => {
    const all = Buffer.concat([Buffer.alloc(before), bytes])
      .toString("base64")
      .replace(/=+$/, "");
    const isWhole = (before + bytes.length) % 3 === 0;
    const sure = all.slice(Math.ceil((before * 4) / 3), isWhole ? undefined : -1);
    return [sure, sure.replaceAll("+", "-").replaceAll("/", "_")];
  });
}

/**
 * `user:password@` of a URL, whose slashes JSON may have escaped. A port is not taken for a password, nor a user of ssh
 * for a secret.
 */
const SCHEME = String.raw`(\b[a-z][a-z0-9+.-]*:(?:\\?\/){2})`;
const USER_INFO = new RegExp(`${SCHEME}([^\\s/\\\\?#"'<>]*)@`, "gi");
/** A password with characters that should have been encoded, or a text that was cut before the @. */
const CUT_USER_INFO = new RegExp(`${SCHEME}[^\\s/\\\\?#"'<>@:[]*:(?!\\d{1,5}(?!\\w)|[\\s/"'<>]|$)[^\\s"'<>]*`, "gi");
/** A URL within a URL. */
const ENCODED_USER_INFO = /%3A%2F%2F(?:(?!%2F)[^\s&"'<>])*?%40/gi;
/** Without a scheme, as ssh would take it. */
const BARE_USER_INFO = /(?<![\w/.+-])[\w.+-]+:[^\s/@:"'<>]{8,}@(?=[\w-]+\.)/g;

function withoutUserInfo(text: string): string {
  if (!/[@:]|%40/.test(text)) return text;
  return text
    .replace(USER_INFO, (found, scheme: string, user: string) =>
      /^ssh:/i.test(scheme) && !user.includes(":") ? found : `${scheme}${MARK}@`,
    )
    .replace(
      CUT_USER_INFO,
      (found, scheme: string) => `${scheme}${MARK}${/@.*$/.exec(found)?.[0].replace(/^.*@/, "@") ?? ""}`,
    )
    .replace(ENCODED_USER_INFO, `%3A%2F%2F${MARK}%40`)
    .replace(BARE_USER_INFO, `${MARK}@`);
}

/** The same error without credentials in what it says. */
export function withoutSecrets(error: Error): Error {
  error.message = hidden(error.message);
  if (error.stack !== undefined) error.stack = hidden(error.stack);
  return error;
}
