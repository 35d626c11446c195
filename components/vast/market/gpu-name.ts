import { closest } from "fastest-levenshtein";

/** Names that Vast has used for years, in its spelling; whoever asks for one of these needs no look-up. */
const WELL_KNOWN = [
  "RTX 3090",
  "RTX 4090",
  "RTX 5090",
  "RTX A6000",
  "RTX 6000Ada",
  "RTX PRO 6000 WS",
  "L4",
  "L40S",
  "A10",
  "A40",
  "A100 PCIE",
  "A100 SXM4",
  "H100 PCIE",
  "H100 SXM",
  "H100 NVL",
  "H200",
  "H200 NVL",
  "GH200 SXM",
  "B200",
  "MI300X",
];

/** The exact spelling of a name that differs only in case, blanks, `_` and `-`; undefined = not among `names`. */
export function canonicalGpu(asked: string, names: readonly string[] = WELL_KNOWN): string | undefined {
  const key = keyOf(asked);
  return names.find((name) => keyOf(name) === key);
}

/** The name most like the one that was asked for, one that contains it before others; undefined = there are none. */
export function nearestGpu(asked: string, names: readonly string[]): string | undefined {
  if (names.length === 0) return undefined;
  const key = keyOf(asked);
  const byKey = new Map(names.map((name) => [keyOf(name), name]));
  const keys = [...byKey.keys()];
  const longer = keys.filter((candidate) => candidate.includes(key));
  return byKey.get(closest(key, longer.length > 0 ? longer : keys));
}

function keyOf(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, "");
}
