import { z } from "zod";
import { boolean, matching } from "../../lib/values.ts";
import { type CheckFailure, isUnknown } from "../../pulumi/lifecycle.ts";
import { apiTarget } from "../client/api.ts";
import { criteria } from "../market/criteria.ts";
import type { ImageLogin } from "../rental/image-pull.ts";

const PUBLIC_KEY = /^[a-z0-9@.-]+ [A-Za-z0-9+/]+={0,2}( [^\p{Cc}]*)?$/u;
const BYTES = "a number of bytes";
const KEYS = "public keys, `type base64 comment` each, one at least";
const LOGIN = "{registry, user, tokenName, envFile}, the first three without blanks";
const PATIENCE = "minutes {machine, total}, total not below machine";
const LONGEST_ONSTART = 600;

/** The login becomes one line of words. */
const word = matching(/^\S+$/, LOGIN);
const imageLogin: z.ZodType<ImageLogin> = z.object(
  { registry: word, user: word, tokenName: word, envFile: z.string(LOGIN) },
  LOGIN,
);

/** What to rent, and how to reach it: the arguments of a VastInstance, their types, bounds and defaults. */
export const instanceInputs = z.object({
  ...criteria.shape,
  ...apiTarget.shape,
  /** Of a RunIdentity. At most one living instance has it. */
  label: matching(/^[\w.:-]{1,100}$/, "the label of a RunIdentity"),
  /** Docker image; `name@sha256:…` never means another one. */
  image: matching(/^[\w][\w./:@-]{0,500}$/, "a Docker image such as name/image:tag"),
  /** Compressed size of the image; the quoted pull time and how long to wait follow from it. null = not known. */
  imageBytes: z.number(BYTES).nonnegative(BYTES).nullish(),
  /**
   * A base that many hosts have, `name@sha256:…`: the quoted pull time says what that saves. Default "": none is named.
   */
  cachedBase: z.string("the name of an image").optional(),
  /** null = everybody may pull it. */
  imageLogin: imageLogin.nullish(),
  /** Who may log in, `type base64 comment` each; our own key first. */
  publicKeys: z
    .array(
      z.string(KEYS).refine((key) => isUnknown(key) || PUBLIC_KEY.test(key), KEYS),
      KEYS,
    )
    .min(1, KEYS)
    .readonly(),
  /** Private key of our own connections; "" = the one of the state directory. */
  sshKeyFile: z.string("a path"),
  /** Minutes to wait until one machine is ready, and in all. */
  readyTimeoutMinutes: z
    .object({ machine: z.number(PATIENCE).positive(PATIENCE), total: z.number(PATIENCE) }, PATIENCE)
    .refine(({ machine, total }) => total >= machine, PATIENCE),
  /** Shell text run at each start of the container, after ours; no secrets. Default none. */
  onstart: z.string("shell text").max(LONGEST_ONSTART, `at most ${LONGEST_ONSTART} characters`).optional(),
  /** Folder on the machine; a machine with anything in it never deletes itself. Default none. */
  checkpointsDir: z.string("a path on the machine").optional(),
  /** Folder in which a lab shares its ledger of machines. Default "": there is none. */
  labDir: z.string("a path").optional(),
  /**
   * Vast itself deletes the instance an hour after `readyTimeoutMinutes.total`, unless a VastLease keeps it. Default
   * false.
   */
  provisional: boolean().optional(),
});

export type VastInstanceInputs = Readonly<z.output<typeof instanceInputs>>;

/** Inputs that are not known yet are text, whatever their type. */
export type RawInputs = { readonly [Key in keyof VastInstanceInputs]: VastInstanceInputs[Key] | string };

/** The inputs with defaults, and a failure for each wrong one. Values not known yet are not checked. */
export function readInputs(news: RawInputs): {
  readonly inputs: VastInstanceInputs;
  readonly failures: CheckFailure[];
} {
  const inputs: Record<string, unknown> = { ...news };
  const failures = Object.entries(instanceInputs.shape).flatMap(([property, kind]) => {
    const value = inputs[property];
    if (isUnknown(value)) return [];
    const { data, error } = kind.safeParse(value);
    if (error !== undefined) return [{ property, reason: `found ${shown(value)}; write ${error.issues[0]?.message}` }];
    if (data !== undefined) inputs[property] = data;
    return [];
  });
  return { inputs: inputs as unknown as VastInstanceInputs, failures };
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? "nothing").slice(0, 80);
}
