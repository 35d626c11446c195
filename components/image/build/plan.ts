import { createHash } from "node:crypto";

/** What an image is made from: sha256 by file, and the commit by the path of each further repository. */
export type Parts = Readonly<Record<string, string>>;

/** `deps-` and 12 hex digits of exactly these parts. */
export function tagOf(parts: Parts): string {
  const text = JSON.stringify(Object.entries(parts).toSorted(([one], [other]) => (one < other ? -1 : 1)));
  return `deps-${sha256(text).slice(0, 12)}`;
}

/** Names of parts that were changed, added or removed. */
export function changedParts(olds: Parts, news: Parts): string[] {
  const names = [...new Set([...Object.keys(olds), ...Object.keys(news)])].toSorted();
  return names.filter((name) => olds[name] !== news[name]);
}

/** "will build: uv.lock changed" */
export function willBuildText(olds: Parts | undefined, news: Parts): string {
  const changed = olds === undefined ? [] : changedParts(olds, news);
  const why = changed.length === 0 ? "no image of these dependencies yet" : `${changed.join(", ")} changed`;
  return `will build: ${why}`;
}

export function sha256(content: string | Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}
