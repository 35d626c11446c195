import * as pulumi from "@pulumi/pulumi";
import { closest, distance } from "fastest-levenshtein";
import { z } from "zod";
import { isBranchName } from "../code/git/branch.ts";
import { REPO } from "../code/git/url.ts";
import { ABSOLUTE } from "../lib/path.ts";
import type { Problem } from "../lib/problem.ts";
import { printable } from "../lib/text.ts";
import { boolean } from "../lib/values.ts";
import { BRING_GLOB, USUAL_GLOBS } from "../remote/bring.ts";
import { MOST_HOURS } from "../vast/lease/moment.ts";
import { criteria } from "../vast/market/criteria.ts";
import * as field from "./fields.ts";

const IMAGE = /^[a-z0-9][\w.-]*(:\d+)?(\/[a-z0-9._-]+)*(:[\w][\w.-]{0,127})?(@sha256:[0-9a-f]{64})?$/i;
const image = field.text(IMAGE, "a Docker image such as name/image:tag");
const repo = field.text(
  REPO,
  "an https URL without user name or token, or one of ssh, such as https://github.com/ceselder/cot-oracle or git@github.com:ceselder/cot-oracle",
);
const COMMIT = /^[0-9a-f]{40}([0-9a-f]{24})?$/;
const extraRepo = z.strictObject({
  url: z.string().regex(REPO),
  commit: z.string().regex(COMMIT),
  path: z.string().regex(ABSOLUTE),
});
const branch = field.line("the name of a branch").refine(isBranchName, "write the name of a branch, such as main");
const variableNames = () =>
  field.names(field.ENV_NAME, "names of environment variables, such as HF_TOKEN,WANDB_API_KEY");
const packages = () => field.names(/^\w[\w.-]*$/, "a list of names as in pyproject.toml, such as [cu124]");
const path = () => field.line("a path");
const patterns = () => field.names(/^[^\p{Cc}]+$/u, "a list of lines as in .gitignore, such as [data/*.json, logs/]");
const EXTRA_REPOS =
  "a list such as [{url: https://github.com/me/it, commit: its whole id of 40 letters and digits, path: /workspace/it}]";

/** Variables that the program sets for every training; `env` cannot set them. */
const RESERVED = ["NUM_GPUS", "CHECKPOINT_DIR", "RESUME_FROM", "CONTAINER_ID"];

const TRAIN_COMMAND = [
  "torchrun --nproc_per_node=$NUM_GPUS --master_port=29500 src/train.py --config configs/train.yaml",
  '--precomputed-dir data/precomputed --save-dir "$CHECKPOINT_DIR/cot_oracle"',
  `--wandb-run "cot_oracle-$WANDB_RUN_ID" --wandb-group jan \${RESUME_FROM:+--resume-from "$RESUME_FROM"}`,
].join(" ");

/** Every key of the stack config, with its default as text and its description, as in Pulumi.yaml. */
const schema = z.strictObject({
  ...field.allOf(criteria.shape),
  readyTimeoutMinutes: field
    .minutesPair()
    .prefault("30/60")
    .describe("How long to wait for one machine to come up, and in all, minutes"),
  labDir: path()
    .prefault("")
    .describe(
      "Folder that a lab shares: what machines were like is noted there for everybody who uses it; for you alone when empty",
    ),
  image: image.prefault("japhba/cot-oracle").describe("Docker image; another one replaces the machine"),
  imageBuild: field
    .oneOf("never", "local", "remote")
    .prefault("never")
    .describe(
      "never: image as it is; local or remote: build it of the code's dependencies, here or on a rented machine",
    ),
  imageBase: image
    .prefault(
      "pytorch/pytorch:2.6.0-cuda12.4-cudnn9-devel@sha256:0cf3402e946b7c384ba943ee05c90b4c5a4a05227923921f2b0918c011cfaf56",
    )
    .describe("What a built image starts from; the digest keeps it the same for ever"),
  cachedBase: field
    .text(new RegExp(`^$|${IMAGE.source}`, IMAGE.flags), "a Docker image such as vastai/pytorch:tag, or nothing")
    .prefault("")
    .describe(
      "Image that many hosts have cached, such as vastai/pytorch:TAG: the quote says what that saves of the pull; none when empty",
    ),
  builderMaxPricePerHour: field
    .of(criteria.shape.maxPricePerHour)
    .prefault("1")
    .describe("Most to pay for the machine that builds with imageBuild remote, $/h, disk included"),
  builderMaxMinutes: field
    .decimal(1, 1440, "minutes")
    .prefault("90")
    .describe("How long that machine may take, from its rental to the push, minutes; then it is released"),
  registryUser: field
    .text(/^[^\s:]*$/, "a user of the registry")
    .prefault("")
    .describe("User of the image's registry, for DOCKERHUB_TOKEN; the first part of image when empty"),
  apiUrl: field
    .line("a URL, or simulator")
    .prefault("")
    .describe("Vast's API when empty; simulator, or a URL of your own"),
  apiKeyFile: path()
    .prefault("")
    .describe("File that holds the API key; when empty VAST_API_KEY, or where the vastai client keeps it"),
  repo: repo.prefault("https://github.com/ceselder/cot-oracle").describe("Repository to train, an https or ssh URL"),
  branch: branch.prefault("jan").describe("Its branch; another one restarts training on the same machine"),
  commit: field
    .text(new RegExp(`^$|${COMMIT.source}`), "the whole id of a commit, 40 letters and digits in quotes")
    .prefault("")
    .describe("Whole id of the commit of the branch to train, where it is not to be the branch's last one"),
  gitAuth: field
    .oneOf("", "none", "token", "agent", "upload")
    .prefault("")
    .describe(
      "How a private repository gets to the machine: upload (sent from here), token (GITHUB_TOKEN), agent (your ssh agent) or none; upload for ssh and none for https when empty",
    ),
  source: field
    .oneOf("git", "rsync")
    .prefault("git")
    .describe("git (a commit that is pushed) or rsync (the files of sourceDir as they are, pushed or not)"),
  sourceDir: path().prefault(".").describe("With source rsync: a folder of this machine in which git is used"),
  exclude: patterns()
    .prefault("[]")
    .describe(
      "Lines as in .gitignore: what training does without; not sent by rsync, and no submodule or file of Git LFS there is missed",
    ),
  maxUploadMb: field
    .decimal(0.1, 1e5, "MB")
    .prefault("500")
    .describe("With source rsync: most to send in all, MB; more is an error that names the largest files"),
  extraRepos: field
    .list(extraRepo, EXTRA_REPOS)
    .prefault("[]")
    .describe("More repositories at a commit each, cloned where the image lacks them: [{url, commit, path}]"),
  run: field
    .line("any text")
    .prefault("")
    .describe("Any text; a new one starts a new run: the branch is resolved again and training restarted"),
  trainCommand: field
    .text(/\S/, "the command that trains")
    .prefault(TRAIN_COMMAND)
    .describe("Run under bash in the repository's folder, with NUM_GPUS, CHECKPOINT_DIR, RESUME_FROM and env"),
  interactive: field
    .of(boolean())
    .prefault("false")
    .describe("true: training may ask questions, which attach can answer; otherwise a question ends at once"),
  env: field.variables(RESERVED).prefault("{}").describe("More environment variables for training; no secrets"),
  dependencies: field
    .text(/\S/, "auto, none, or a shell command")
    .prefault("auto")
    .describe(
      "auto (uv.lock, a project in pyproject.toml, or requirements.txt), none, or the shell command that installs what training needs",
    ),
  extras: packages().prefault("[]").describe("Extras of the code's project to install too, as uv's --extra does"),
  groups: packages()
    .prefault("[]")
    .describe("Dependency groups of the code's project to install too, as uv's --group does"),
  links: field
    .links()
    .prefault("{}")
    .describe("Links in the repository's folder: what is on the machine, and where it is to appear"),
  setup: field
    .commands("a list of shell commands")
    .prefault("[]")
    .describe("Shell commands to run before a start of training, after its dependencies are there"),
  preflight: field
    .commands("a list of shell commands")
    .prefault("[]")
    .describe("Shell commands that must all pass before training starts; they come after setup"),
  require: variableNames()
    .prefault("[]")
    .describe("Credentials that must be found before anything is rented; they are forwarded too"),
  forward: variableNames()
    .prefault('["HF_TOKEN","WANDB_API_KEY"]')
    .describe("Credentials to forward to the machine where they are found"),
  envFile: path().prefault("~/.env").describe("File with NAME=value lines that holds credentials"),
  netrcFile: path()
    .prefault("~/.netrc")
    .describe("netrc file; machine api.wandb.ai, or the host of WANDB_BASE_URL in env, gives WANDB_API_KEY"),
  checkpointsDir: field
    .text(ABSOLUTE, "an absolute path on the machine, such as /workspace/checkpoints")
    .prefault("/workspace/checkpoints")
    .describe("Where training writes checkpoints on the machine"),
  resumeFrom: field
    .text(
      /^(|\$\(.*\S.*\)|(?!\/)(?!.*(^|\/)\.\.(\/|$))[^\p{Cc}$]+)$/u,
      "a glob below checkpointsDir, such as run-*/model_*.pt, or $(command)",
    )
    .prefault("")
    .describe(
      "What RESUME_FROM names: the newest whole match of a glob below checkpointsDir, or what $(command) prints; the newest whole checkpoint of a known layout when empty",
    ),
  checkpointsTo: path()
    .refine((folder) => folder !== "", "write a folder of this machine")
    .prefault("./checkpoints")
    .describe("Where checkpoints come home to, below it <stack>/<instance id>"),
  stopGraceSeconds: field
    .integer(0, 3600, "seconds")
    .prefault("60")
    .describe("How long training may take to save and end when it is asked to stop, seconds"),
  stepMaxMinutes: field
    .decimal(0.01, 1e5, "minutes")
    .prefault("180")
    .describe("How long one step on the machine may take in all, however much it says, minutes; then it is ended"),
  afterTraining: field
    .oneOf("stop", "keep")
    .prefault("stop")
    .describe(
      "stop or keep: what becomes of the machine when training has ended, well or not; a stopped one bills its disk",
    ),
  afterTrainingMinutes: field
    .decimal(0, 1e5, "minutes")
    .prefault("15")
    .describe("How long it still runs then before it stops itself, minutes"),
  maxHours: field
    .decimal(0.001, 1e5, "hours")
    .prefault("48")
    .describe("How long a machine may run for one training, all starts together, hours; then it saves and stops"),
  leaseHours: field
    .optionalDecimal(2, MOST_HOURS, "hours")
    .prefault("")
    .describe(
      `Vast itself stops the machine after so many hours, which each pulumi up renews; 2 to ${MOST_HOURS}, maxHours and 1 is advised; empty = it never does`,
    ),
  rescueBudget: field
    .decimal(0, 1000, "dollars")
    .prefault("1")
    .describe("Most to pay for starting a stopped machine to fetch its checkpoints, $; 0 = never"),
  keepPrevious: field
    .integer(0, 99, "versions")
    .prefault("1")
    .describe(
      "How many earlier verified versions of a checkpoint file stay at home, in the folder .previous beside it",
    ),
  bring: field
    .names(
      BRING_GLOB,
      "globs below the repository's folder or /workspace that name no credentials, such as [outputs, /workspace/plots/*.png]",
    )
    .prefault(JSON.stringify(USUAL_GLOBS))
    .describe(
      "What comes home beside checkpoints and train.log: globs relative to the repository's folder, or below /workspace; a folder is all that is in it",
    ),
  bringMaxMb: field
    .decimal(0, 1e7, "MB")
    .prefault("1000")
    .describe("Most that bring fetches in all, without logs, MB; what does not fit is passed over, and said"),
  wandbProject: field
    .text(/^[\w.-]*$/, "a project name")
    .prefault("cot_oracle")
    .describe("WANDB_PROJECT of the training"),
  sshKey: path().prefault("").describe("Unencrypted private key for our connections; one of our own when empty"),
  agentKeys: field
    .line("all, none, or the comment of a key")
    .prefault("all")
    .describe("Which keys of your ssh agent may log in too: all, none, or the comment of one"),
});

type Parsed = z.output<typeof schema>;

/** All settings of a run, typed and complete. Prices in $/h, disk in GB. */
export type RunConfig = { readonly [Key in keyof Parsed]-?: Exclude<Parsed[Key], undefined> };

/** The result of reading a stack config, as far as its values are valid. */
export interface ConfigReading {
  readonly config: Partial<RunConfig>;
  readonly problems: readonly Problem[];
}

const PRICE_PER_GPU = 3.5;

/** Reads every key; each problem says what to write instead. Keys of `raw` have no namespace; "" means unset. */
export function readConfig(raw: Readonly<Record<string, string>>): ConfigReading {
  const result = schema.safeParse(Object.fromEntries(Object.entries(raw).filter(([, text]) => text.trim() !== "")));
  if (result.success) return { config: complete(result.data), problems: [] };
  const problems = result.error.issues.flatMap((issue) =>
    issue.code === "unrecognized_keys" ? issue.keys.map(unknownKey) : [wrongValue(String(issue.path[0]), issue, raw)],
  );
  return { config: readable(raw), problems };
}

/** Do both texts mean the same value? YAML may write a number in several ways. */
export function isSameValue(key: string, one: string, other: string): boolean {
  const read = (text: string) => schema.shape[key as keyof typeof schema.shape]?.safeParse(text.trim()).data;
  const [first, second] = [read(one), read(other)];
  if (typeof second === "number") return second === (first ?? Number(one.replaceAll("_", "")));
  return JSON.stringify(first ?? one) === JSON.stringify(second ?? other);
}

/** The valid fields, so that later checks can still use them. */
function readable(raw: Readonly<Record<string, string>>): Partial<RunConfig> {
  const fields = Object.entries(schema.shape).flatMap(([key, shape]) => {
    const value = shape.safeParse(raw[key]?.trim() || undefined);
    return value.success ? [[key, value.data]] : [];
  });
  return complete(Object.fromEntries(fields));
}

function complete<T extends Partial<Parsed>>(parsed: T): RunConfig {
  const { gpus, maxPricePerHour = gpus === undefined ? undefined : PRICE_PER_GPU * gpus } = parsed;
  return { ...parsed, ...(maxPricePerHour === undefined ? {} : { maxPricePerHour }) } as unknown as RunConfig;
}

function wrongValue(key: string, issue: z.core.$ZodIssue, raw: Readonly<Record<string, string>>): Problem {
  return { key, found: `found ${JSON.stringify(printable(raw[key] ?? "", 80))}`, write: issue.message };
}

function unknownKey(key: string): Problem {
  return { key, found: "there is no such key", write: `did you mean ${nearestKey(key)}?` };
}

/** Prefers a key with one or two wrong letters to one that only begins alike, and that to any other. */
function nearestKey(key: string): string {
  const bare = (text: string) => text.toLowerCase().replace(/[^a-z0-9]/g, "");
  const keys = new Map(Object.keys(schema.shape).map((known) => [bare(known), known]));
  const near = closest(bare(key), [...keys.keys()]);
  const alike = [...keys.keys()].find((known) => known.startsWith(bare(key)) || bare(key).startsWith(known));
  return keys.get(distance(bare(key), near) <= SLIPS ? near : (alike ?? near)) ?? "";
}

/** Number of letters that may be wrong in a key. */
const SLIPS = 2;

/** Keys, defaults as text, and descriptions, as Pulumi.yaml must have them. */
export function configKeys(): { key: string; default: string; description: string }[] {
  return Object.entries(schema.shape).map(([key, shape]) => ({
    key,
    default: shape.def.defaultValue,
    description: shape.description ?? "",
  }));
}

/** This project's stack config as text by key; keys of other namespaces are left out. */
export function stackConfig(): Record<string, string> {
  const prefix = `${pulumi.getProject()}:`;
  const own = Object.entries(pulumi.runtime.allConfig()).filter(([key]) => key.startsWith(prefix));
  return Object.fromEntries(own.map(([key, value]) => [key.slice(prefix.length), value]));
}
