import { isUnknown } from "../../pulumi/lifecycle.ts";
import type { VastInstanceInputs } from "./instance.ts";

/** What Pulumi shows as "property X has a problem: reason". */
export interface Failure {
  readonly property: string;
  readonly reason: string;
}

type Rule = readonly [is: (value: unknown) => boolean, should: string];

const text = (value: unknown): value is string => typeof value === "string";
const between = (least: number, most: number): Rule => [
  (value) => typeof value === "number" && value >= least && value <= most,
  `be a number from ${least} to ${most}`,
];
const whole = (most: number): Rule => [
  (value) => Number.isInteger(value) && (value as number) >= 1 && (value as number) <= most,
  `be a whole number from 1 to ${most}`,
];
const line = (shape: RegExp, should: string): Rule => [(value) => text(value) && shape.test(value), should];

const PUBLIC_KEY = /^[a-z0-9@.-]+ [A-Za-z0-9+/]+={0,2}( [^\p{Cc}]*)?$/u;
const LONGEST_ONSTART = 600;

const RULES: { readonly [Key in keyof Required<VastInstanceInputs>]: Rule } = {
  gpu: line(/^[\w][\w .+-]*$/, "be the name of a GPU, such as H100 SXM"),
  gpus: whole(64),
  rental: [(value) => value === "interruptible" || value === "on-demand", "be interruptible or on-demand"],
  maxPricePerHour: between(0.001, 1000),
  bidMarkup: between(0, 10),
  diskGb: whole(64_000),
  minReliability: between(0, 1),
  minDownloadMbps: between(0, 1e6),
  minDurationHours: between(0, 1e5),
  verified: [(value) => typeof value === "boolean", "be true or false"],
  maxOffers: whole(64),
  apiUrl: [text, "be text"],
  apiKeyFile: [text, "be a path"],
  label: line(/^[\w.:-]{1,100}$/, "be the label of a RunIdentity"),
  image: line(/^[\w][\w./:@-]{0,500}$/, "be a Docker image such as name/image:tag"),
  imageBytes: [
    (value) => value === undefined || value === null || (typeof value === "number" && value >= 0),
    "be a number of bytes",
  ],
  imageLogin: [isLogin, "be {registry, user, tokenName, envFile}"],
  publicKeys: [areKeys, "be public keys, `type base64 comment` each, one at least"],
  sshKeyFile: [text, "be a path"],
  readyTimeoutMinutes: [isPatience, "be minutes {machine, total}, total not below machine"],
  onstart: [
    (value) => value === undefined || (text(value) && value.length <= LONGEST_ONSTART),
    `be at most ${LONGEST_ONSTART} characters`,
  ],
  checkpointsDir: [(value) => value === undefined || text(value), "be a path on the machine"],
  labDir: [(value) => value === undefined || text(value), "be a path"],
};

/** Every input that is wrong. What is not known yet is not judged. */
export function invalidInputs(inputs: Readonly<Record<string, unknown>>): Failure[] {
  return Object.entries(RULES).flatMap(([property, [is, should]]) => {
    const value = inputs[property];
    if (isUnknown(value) || is(value)) return [];
    return [{ property, reason: `it should ${should}, and is ${shown(value)}` }];
  });
}

function areKeys(value: unknown): boolean {
  if (!Array.isArray(value)) return false;
  return value.length > 0 && value.every((key) => isUnknown(key) || (text(key) && PUBLIC_KEY.test(key)));
}

/** Its words become one line. */
function isLogin(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  const { registry, user, tokenName, envFile } = value as Record<string, unknown>;
  return (
    [registry, user, tokenName].every((word) => isUnknown(word) || (text(word) && /^\S+$/.test(word))) && text(envFile)
  );
}

function isPatience(value: unknown): boolean {
  const { machine, total } = (value ?? {}) as { machine?: unknown; total?: unknown };
  return typeof machine === "number" && typeof total === "number" && machine > 0 && total >= machine;
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? "missing").slice(0, 80);
}
