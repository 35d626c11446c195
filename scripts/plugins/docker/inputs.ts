import { unknownValue } from "@pulumi/pulumi/runtime/rpc.js";
import { canonical } from "../command-inputs.ts";
import { conceal, isSecret, reveal } from "../secrets.ts";
import type { CheckFailure, Properties } from "../serve.ts";
import { digestOf, openContext } from "./context.ts";
import { parseName } from "./reference.ts";

/** What a docker.Image is asked to do, in plain values. */
export interface ImageInputs {
  imageName: string;
  build: Build;
  registry?: Registry;
  skipPush: boolean;
}

export interface Build {
  context: string;
  dockerfile: string;
  platform: string;
  args?: Record<string, string>;
  target?: string;
  builderVersion?: "BuilderV1" | "BuilderBuildKit";
  /** Digest of what is sent to the build; the program does not give it. */
  contextDigest?: string;
}

export interface Registry {
  server?: string;
  username?: string;
  password?: string;
}

const inputNames = ["imageName", "build", "registry", "skipPush", "buildOnPreview"];
const buildNames = ["context", "dockerfile", "platform", "args", "target", "builderVersion", "contextDigest"];

/** The inputs with the official plugin's defaults, and the digest of what would be sent to the build. */
export function checked(news: Properties): { inputs: Properties; failures: CheckFailure[] } {
  const plain = reveal(news) as Record<string, unknown>;
  if (plain.build === unknownValue) return { inputs: news, failures: [] };
  const given = (plain.build ?? {}) as Partial<Build>;
  const context = given.context ?? ".";
  const dockerfile = given.dockerfile ?? (context === "." ? "Dockerfile" : `${context}/Dockerfile`);
  const build: Build = { platform: hostPlatform(), ...given, context, dockerfile };
  const failures = [...unknownNames(plain, given), ...valueProblems(plain, given)];
  try {
    if (![context, dockerfile].includes(unknownValue)) build.contextDigest = digestOf(openContext(context, dockerfile));
  } catch (error) {
    failures.push({ property: "build.dockerfile", reason: (error as Error).message });
  }
  const wrapped = isSecret(news.build) ? conceal(build) : build;
  return { inputs: { ...news, build: wrapped, buildOnPreview: false }, failures };
}

function hostPlatform(): string {
  return `linux/${process.arch === "x64" ? "amd64" : process.arch}`;
}

function unknownNames(plain: Record<string, unknown>, build: object): CheckFailure[] {
  const reason = "is not known to this stand-in for the official plugin";
  const top = Object.keys(plain).filter((name) => !inputNames.includes(name) && !/^(__|version$)/.test(name));
  const inner = Object.keys(build).filter((name) => !buildNames.includes(name));
  return [...top, ...inner.map((name) => `build.${name}`)].map((property) => ({ property, reason }));
}

function valueProblems(plain: Record<string, unknown>, { builderVersion }: Partial<Build>): CheckFailure[] {
  const failures: CheckFailure[] = [];
  const fail = (property: string, reason: string) => failures.push({ property, reason });
  if (plain.buildOnPreview === true)
    fail("buildOnPreview", "true is not known to this stand-in for the official plugin");
  if (builderVersion && !["BuilderV1", "BuilderBuildKit", unknownValue].includes(builderVersion)) {
    fail("build.builderVersion", "invalid Docker Builder version: BuilderV1 or BuilderBuildKit");
  }
  const { imageName, skipPush } = plain;
  if (typeof imageName === "string" && imageName !== unknownValue && skipPush !== true && !parseName(imageName)) {
    fail("imageName", `${JSON.stringify(imageName)} must be fully qualified, as in docker.io/owner/name:tag`);
  }
  return failures;
}

/** Names of the inputs that differ. Of the registry only the server counts: a new token is no reason to build. */
export function changedInputs(olds: Properties, news: Properties): string[] {
  const before = (reveal(olds.__inputs) ?? {}) as Record<string, unknown>;
  const after = reveal(news) as Record<string, unknown>;
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].filter((name) => counted(name, before[name]) !== counted(name, after[name]));
}

function counted(name: string, value: unknown): string {
  if (name !== "registry" || value === null || typeof value !== "object") return canonical(value);
  return canonical({ server: (value as Registry).server });
}
