/** Shorter values are words like any other: they would blank out what has nothing to do with them. */
const SHORTEST = 8;
const MARK = "[secret]";

/** Forms of the credentials that this process has read, so that nothing shown by it ever holds one. */
const known = new Set<string>();
/** How they begin and end: where none of these is, there is nothing to take out. */
const edges = new Set<string>();

/** From now on these values are taken out of everything that this process shows. */
export function learnSecrets(values: Iterable<string | undefined>): void {
  for (const form of [...values].flatMap((value) => formsOf(value ?? ""))) {
    known.add(form);
    edges.add(form.slice(0, SHORTEST)).add(form.slice(-SHORTEST));
  }
}

/**
 * A text for people without credentials: those that this process has read, and whatever stands before the @ of a URL. Each counts as it is, as a shell, JSON and a URL write it, and in base64 wherever in a longer text
 * it began; also a part of it, from 8 characters on, where a line was cut within it.
 *
 * Call it before a text is cut: what is cut off in the middle of a line cannot be known again.
 */
export function hidden(text: string): string {
  if (text.length < SHORTEST) return text;
  return withoutUserInfo(text.split("\n").map(withoutForms).join("\n"));
}

/** The same for a text that comes in chunks: what may be the beginning of a credential waits for the next one. */
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

/** How much of a text is certainly no part of what goes on: up to its last word, or a credential that has begun. */
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

/** Where a line holds a form, or at its ends a part of one: [from, to). */
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

/** Each line of a secret in the forms in which it may turn up, none shorter than 8 characters. */
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

/** What stays the same of its base64 after zero, one or two other bytes, in both alphabets. */
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

/** `user:password@` of a URL; JSON may have written its slashes. What looks like a port is one, and a user of ssh is no secret. */
const SCHEME = String.raw`(\b[a-z][a-z0-9+.-]*:(?:\\?\/){2})`;
const USER_INFO = new RegExp(`${SCHEME}([^\\s/\\\\?#"'<>]*)@`, "gi");
/** A password with signs that should have been encoded, or a text that was cut before the @. */
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
