import { createHash } from "node:crypto";
import { perHour } from "../lib/money.ts";
import type { Bring } from "./bring.ts";
import { type Checks, checkValues } from "./checks.ts";
import { newestText } from "./resume.ts";
import { conversation, exportLines, fileText, script } from "./script.ts";
import { type Wandb, wandbValues } from "./wandb.ts";

/** Folder on the machine that holds everything of a run. */
export const WORKSPACE = "/workspace";

interface Place {
  /** Default /workspace. */
  readonly workspace?: string;
  /** File with the environment of the machine's first process; default that of process 1. */
  readonly firstProcess?: string;
  /** Limit for a whole step; default 180. */
  readonly stepMaxMinutes?: number;
}

function placeOf({ workspace = WORKSPACE, firstProcess, stepMaxMinutes = STEP_MINUTES }: Place) {
  return {
    WORKSPACE: workspace,
    ...(firstProcess === undefined ? {} : { FIRST_PROCESS: firstProcess }),
    STEP_SECONDS: String(Math.max(Math.ceil(stepMaxMinutes * 60), 1)),
  };
}

const STEP_MINUTES = 180;

/** Settings of the guard, which stops the machine even when nobody looks. */
export interface Guard {
  /** Origin of the API that can stop the machine. */
  readonly apiUrl: string;
  readonly afterTraining: "stop" | "keep";
  readonly afterTrainingMinutes: number;
  readonly maxHours: number;
  /** Time for training to end after it was asked to, seconds. */
  readonly stopGraceSeconds: number;
  /** $/h as rented, disk included. */
  readonly pricePerHour: number;
  /** $/h of the disk alone; null = unknown. */
  readonly diskPerHour: number | null;
  readonly stack: string;
  /** Time between two looks; default 10. */
  readonly tickSeconds?: number;
}

function guardValues(guard: Guard & Training) {
  const { stopGraceSeconds, pricePerHour, diskPerHour, stack, maxHours, tickSeconds = 10 } = guard;
  return {
    HASH: trainingHash(guard),
    CHECKPOINTS: guard.checkpointsDir,
    API: guard.apiUrl,
    AFTER_TRAINING: guard.afterTraining,
    AFTER_SECONDS: String(Math.round(guard.afterTrainingMinutes * 60)),
    MAX_SECONDS: String(Math.round(maxHours * 3600)),
    MAX_HOURS: String(maxHours),
    GRACE: String(stopGraceSeconds),
    TICK: String(tickSeconds),
    MACHINE_COSTS: perHour(pricePerHour),
    DISK_COSTS: diskPerHour === null ? "" : perHour(diskPerHour),
    ENDS: endsBill(stack),
  };
}

function endsBill(stack: string): string {
  return `pulumi destroy -s ${stack}`;
}

const KEEP = `${WORKSPACE}/.vast-training`;

/**
 * For the machine's onstart: starts training again if it was cut short, and starts the guard. Does nothing before the
 * first step.
 */
export const ONSTART = [
  "for name in train guard; do",
  `  file=${KEEP}/$name.sh`,
  "  [ -r $file ] || continue",
  `  { env -i bash $file boot; exec env -i setsid bash -s watcher <${KEEP}/guard.sh; } </dev/null >>${WORKSPACE}/logs/guard.log 2>&1 &`,
  "  break",
  "done",
].join("\n");

export interface CredentialsStep extends Place {
  readonly credentials: Readonly<Record<string, string>>;
  /** Lines `type base64 comment`: the keys that may log in. */
  readonly publicKeys: readonly string[];
}

/** Writes the credentials of training, readable only for the machine's own user, and lets the keys log in. */
export function credentialsScript({ credentials, publicKeys, ...place }: CredentialsStep): string {
  const wandb = credentials.WANDB_API_KEY;
  const values = {
    ...placeOf(place),
    ENV_FILE: exportLines(credentials),
    NETRC: wandb === undefined ? "" : `machine api.wandb.ai login user password ${wandb}\n`,
    PUBLIC_KEYS: publicKeys.join("\n"),
  };
  return script(values, "common", "credentials");
}

/** Takes the credentials away again. */
export function forgetScript({ workspace = WORKSPACE }: Place = {}): string {
  return script({ WORKSPACE: workspace }, "forget");
}

export interface CodeStep extends Training, Guard, Place {
  /** URL that the machine fetches from, or a name for what is sent. */
  readonly repo: string;
  readonly branch: string;
  /** How commits get to the machine; default none. */
  readonly way?: GitAuth;
  /** With `token`: origin of the only server that may get it. */
  readonly tokenFor?: string;
  /** With `agent`: an ssh config, and the host keys of the servers named there. */
  readonly sshConfig?: string;
  readonly knownHosts?: string;
  /** Patterns of .gitignore: matching files on the machine are kept. */
  readonly exclude?: readonly string[];
  /** Delete files in the code's folder that are neither in the commit nor ignored; default false. */
  readonly clean?: boolean;
}

/**
 * How a commit gets to the machine: none = it fetches without credentials; token = it fetches with a token; agent = it
 * fetches with the user's ssh agent; upload = it is sent from here.
 */
export type GitAuth = "none" | "token" | "agent" | "upload";

/**
 * Sets the guard and checks out exactly this commit; stops a training of another one. With a `way` other than none it
 * asks for more input.
 */
export function codeScript(step: CodeStep): string {
  return conversation({ ...codeValues(step), ...guardValues(step) }, ...WITH_GUARD, "repositories", "code");
}

/** Fetches the commits with the ssh agent of this session. */
export function fetchScript(step: CodeStep): string {
  return script(codeValues(step), "common", "repositories", "fetch");
}

function codeValues(step: CodeStep) {
  const { repo, branch, commit, extraRepos = [], way = "none" } = step;
  return {
    ...placeOf(step),
    NAME: repoName(repo),
    REPO: repo,
    REF: `refs/heads/${branch}`,
    COMMIT: commit,
    EXTRAS: extraRepos.map((extra) => `${extra.commit} ${extra.path} ${extra.url}`).join("\n"),
    CODE_ID: codeId(step),
    WAY: way,
    TOKEN_FOR: step.tokenFor ?? "",
    SSH_CONFIG: step.sshConfig ?? "",
    KNOWN_HOSTS: step.knownHosts ?? "",
    EXCLUDE: (step.exclude ?? []).join("\n"),
    CLEAN: step.clean === true ? "yes" : "",
  };
}

/**
 * Identifies everything that is checked out. While it is unchanged, the files of a running training are not touched.
 */
export function codeId({ commit, extraRepos = [] }: Pick<Training, "commit" | "extraRepos">): string {
  if (extraRepos.length === 0) return commit;
  // Without the URLs: the source of a commit does not change its files.
  const parts = JSON.stringify(extraRepos.map((extra) => [extra.commit, extra.path]));
  return `${commit}-${createHash("sha256").update(parts).digest("hex").slice(0, 12)}`;
}

const WITH_GUARD = ["common", "folder", "processes", "training", "vast", "guard", "watcher", "boot"];

/** A repository that lies beside the code. */
export interface ExtraRepo {
  readonly url: string;
  /** Full commit id. */
  readonly commit: string;
  /** Folder on the machine, absolute. */
  readonly path: string;
}

/** Everything that makes up a training: a running one is left alone until any of this changes. */
export interface Training {
  readonly commit: string;
  readonly extraRepos?: readonly ExtraRepo[];
  readonly command: string;
  readonly run: string;
  readonly env: Readonly<Record<string, string>>;
  readonly gpus: number;
  readonly checkpointsDir: string;
  readonly wandbProject: string;
}

export interface TrainStep extends Training, Checks, Guard, Place {
  readonly repo: string;
  /** May somebody answer questions in tmux? Default: no, and every question fails at once. */
  readonly interactive?: boolean;
  /** Default: no wandb variables are set. */
  readonly wandb?: Wandb;
}

/** Starts training unless this one already runs or has ended well, and sets the guard. */
export function trainScript(step: TrainStep): string {
  const values = {
    NAME: repoName(step.repo),
    COMMIT: codeId(step),
    COMMAND: step.command,
    ENV_LINES: exportLines(step.env),
    NUM_GPUS: String(step.gpus),
    WANDB_PROJECT: step.wandbProject,
    INTERACTIVE: step.interactive === true ? "yes" : "",
    NEWEST: newestText(),
    COSTS:
      `The machine is kept and costs ${perHour(step.pricePerHour)}: mend it and run pulumi up again, ` +
      `or end it with ${endsBill(step.stack)}`,
  };
  const texts = [...WITH_GUARD, "environment", "ends", "log", "dependencies", "checks", "train"];
  const more = { ...wandbValues(step.wandb), ...checkValues(step), ...guardValues(step) };
  return script({ ...placeOf(step), ...values, ...more }, ...texts);
}

/** A hash of the training; the order of its variables does not matter. */
export function trainingHash(training: Training): string {
  const { command, run, env, gpus, checkpointsDir, wandbProject } = training;
  const variables = Object.entries(env).sort(([one], [other]) => (one < other ? -1 : 1));
  const text = JSON.stringify([codeId(training), command, run, variables, gpus, checkpointsDir, wandbProject]);
  return createHash("sha256").update(text).digest("hex");
}

export interface StopStep extends Place {
  readonly stopGraceSeconds: number;
  /** The machine was started only to fetch its files, so it stops itself again if we are cut off. Default false. */
  readonly rescue?: boolean;
}

/** Limit for a stop: the user's grace may be longer than the limit of a step. */
export function stopMinutes({ stepMaxMinutes = STEP_MINUTES, stopGraceSeconds }: StopStep): number {
  return Math.max(stepMaxMinutes, stopGraceSeconds / 60 + 10);
}

/** Asks training to stop, and kills it if it does not. The machine does not start it again by itself. */
export function stopScript(step: StopStep): string {
  const values = { GRACE: String(step.stopGraceSeconds), RESCUE: step.rescue === true ? "yes" : "" };
  const place = placeOf({ ...step, stepMaxMinutes: stopMinutes(step) });
  return script({ ...place, ...values }, "common", "folder", "processes", "training", "stop");
}

/** Prints `final HASH` when the training with this hash has ended well and writes nothing more, else `open`. */
export function standingScript(place: Place = {}): string {
  return script(placeOf(place), "common", "folder", "processes", "training", "standing");
}

/** Prints what training does at this moment, for components/remote/now.ts. @param folder of checkpoints */
export function nowScript(folder: string, place: Place = {}): string {
  return script({ ...placeOf(place), CHECKPOINTS: folder }, "common", "folder", "processes", "training", "now");
}

/** Prints what the machine says of itself, for a status; figures.sh describes it. */
export function figuresScript(place: Place = {}): string {
  return script(placeOf(place), "common", "folder", "processes", "training", "figures");
}

/**
 * Prints the signs of a training of ours, for components/vast/ready/traces.ts. `folder` "" = the one noted by training.
 */
export function tracesScript(folder: string, { workspace = WORKSPACE }: Place = {}): string {
  return script({ WORKSPACE: workspace, FOLDER: folder }, "traces");
}

/** Prints the checkpoint manifest of a folder; sums only with `hashes`. */
export function manifestScript(folder: string, hashes = true): string {
  return script({ WORKSPACE, FOLDER: folder, ...sumValues(hashes) }, "listing", "folder", "manifest");
}

/** Prints a manifest of the files to bring home beside the checkpoints; sums only with `hashes`. */
export function broughtScript(bring: Bring, checkpoints: string, hashes = true, { workspace = WORKSPACE }: Place = {}) {
  const values = {
    ...{ WORKSPACE: workspace, NAME: bring.name, GLOBS: bring.globs.join("\n"), CHECKPOINTS: checkpoints },
    ...{ MOST: String(Math.round(bring.maxMb * 1e6)), ...sumValues(hashes) },
  };
  return script(values, "listing", "brought");
}

function sumValues(hashes: boolean) {
  return hashes ? { HASHES: "1", SUMS: fileText("sums.py") } : { HASHES: "0", SUMS: "" };
}

/** "tiny-train" of https://host/me/tiny-train.git */
export function repoName(repo: string): string {
  const last = repo.replace(/\/+$/, "").split(/[/:]/).at(-1) ?? "";
  const name = last.replace(/\.git$/, "");
  return /^[\w-][\w.-]*$/.test(name) ? name : "code";
}

/** A place in the training log to go on from. */
export interface LogPlace {
  readonly inode: string;
  /** Bytes from the file's beginning. */
  readonly offset: number;
}

export interface LogStep extends Pick<Place, "workspace"> {
  /** Default: `lines` from the end of the newest log. */
  readonly from?: LogPlace | undefined;
  readonly lines: number | "all";
  /** Keep showing what is written later; default false. */
  readonly follow?: boolean;
}

/** Shows the training log in frames; follow.sh describes them. */
export function logScript({ workspace = WORKSPACE, from, lines, follow = false }: LogStep): string {
  const values = {
    WORKSPACE: workspace,
    INODE: from?.inode ?? "",
    OFFSET: String(from?.offset ?? 0),
    LINES: String(lines),
    FOLLOW: follow ? "yes" : "",
  };
  return script(values, "follow");
}
