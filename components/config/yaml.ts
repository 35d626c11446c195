import { readFileSync } from "node:fs";
import { isMap, isScalar, isSeq, type Node, parseDocument } from "yaml";
import type { Problem } from "../lib/problem.ts";
import { jsonIn } from "../lib/text.ts";

/** A text as a stack config must have it: in quotes if YAML would read it as something else. */
export function yamlText(text: string): string {
  const isPlain = /^[A-Za-z_](?:[\w./+@%-]*\w)?$/.test(text) && !/^(y|n|yes|no|on|off|true|false|null)$/i.test(text);
  return isPlain ? text : JSON.stringify(text);
}

/** The text of a stack's config file in the project's folder; "" = no such file. */
export function stackFile(stack: string): string {
  try {
    return readFileSync(`Pulumi.${stack}.yaml`, "utf8");
  } catch {
    return "";
  }
}

/**
 * Problems with values that YAML has changed: a number or a date without quotes. After Pulumi has rewritten the file
 * (`stack init`, `-c`), the original text is lost.
 *
 * @param raw the values received, by key without namespace
 * @param isSame do both texts mean the same for this key?
 */
export function changedByYaml(
  file: string,
  project: string,
  raw: Readonly<Record<string, string>>,
  isSame: (key: string, one: string, other: string) => boolean,
): Problem[] {
  const config = parseDocument(file).get("config");
  const pairs = isMap(config) ? config.items : [];
  return pairs.flatMap(({ key, value }) => {
    const name = String(key).replace(`${project}:`, "");
    const arrived = raw[name];
    if (arrived === undefined || arrived === "") return [];
    if (isScalar(value)) {
      return isSame(name, String(value.source), arrived) ? [] : changes(name, value, arrived);
    }
    return changes(name, value as Node | null, jsonIn(arrived));
  });
}

/** The values of a stack's config file as text, by key without the project's name. Of a secret, that it is one. */
export function valuesIn(file: string, project: string): Map<string, string> {
  const config: Record<string, unknown> = parseDocument(file).toJS()?.config ?? {};
  const entries = Object.entries(config).map(([key, value]): [string, string] => [
    key.replace(`${project}:`, ""),
    typeof value === "object" && value !== null && "secure" in value ? "a secret" : textOf(value),
  ]);
  return new Map(entries);
}

function textOf(value: unknown): string {
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** Inside lists and maps every value is meant as text. */
function changes(key: string, node: unknown, arrived: unknown): Problem[] {
  if (isMap(node)) return node.items.flatMap((item) => changes(key, item.value, at(arrived, String(item.key))));
  if (isSeq(node)) return node.items.flatMap((item, index) => changes(key, item, at(arrived, String(index))));
  if (!isScalar(node) || node.type !== "PLAIN" || arrived === undefined) return [];
  const [written, made] = [String(node.source), String(arrived)];
  if (written === made || !CHANGEABLE.test(written) || !CHANGEABLE.test(made)) return [];
  return [{ key, found: `YAML made ${made} of ${written}`, write: `quote it: ${JSON.stringify(written)}` }];
}

/** Only such texts can be changed by YAML; other differences have other causes, such as another file. */
const CHANGEABLE = /^([-+]?\.?\d|(true|false)$)/i;

function at(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined;
}
