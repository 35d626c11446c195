import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { perHour } from "../vast/price.ts";
import { exportLines, script } from "./script.ts";

/** Where everything of a run lies on the machine. */
export const WORKSPACE = "/workspace";

interface Place {
  /** Default /workspace. */
  readonly workspace?: string;
}

export interface CredentialsStep extends Place {
  readonly credentials: Readonly<Record<string, string>>;
  /** `type base64 comment`, of everyone who may log in. */
  readonly publicKeys: readonly string[];
}

/** Writes what training needs to know, readable for it alone, and lets the keys in. */
export function credentialsScript({ credentials, publicKeys, workspace = WORKSPACE }: CredentialsStep): string {
  const wandb = credentials.WANDB_API_KEY;
  const values = {
    WORKSPACE: workspace,
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

export interface CodeStep extends Place {
  /** URL that the machine can fetch from. */
  readonly repo: string;
  readonly branch: string;
  readonly commit: string;
  /** How long a training of another commit may take to end, seconds. */
  readonly stopGraceSeconds: number;
}

/** Brings exactly this commit. */
export function codeScript(step: CodeStep): string {
  const values = {
    WORKSPACE: step.workspace ?? WORKSPACE,
    NAME: repoName(step.repo),
    REPO: step.repo,
    BRANCH: step.branch,
    COMMIT: step.commit,
    GRACE: String(step.stopGraceSeconds),
  };
  return script(values, "common", "training", "code");
}

export interface DependenciesStep extends Place {
  readonly repo: string;
}

/** Installs what the lock file names and the image lacks. */
export function dependenciesScript({ repo, workspace = WORKSPACE }: DependenciesStep): string {
  const uv = readFileSync(join(import.meta.dirname, "uv.txt"), "utf8");
  return script({ WORKSPACE: workspace, NAME: repoName(repo), UV: uv }, "common", "dependencies");
}

/** What a training is: one that runs is left alone until something in here changes. */
export interface Training {
  readonly commit: string;
  readonly command: string;
  readonly run: string;
  readonly env: Readonly<Record<string, string>>;
  readonly gpus: number;
  readonly checkpointsDir: string;
  readonly wandbProject: string;
}

export interface TrainStep extends Training, Place {
  readonly repo: string;
  readonly stopGraceSeconds: number;
  /** What the machine costs, for a training that dies at once. */
  readonly pricePerHour: number;
  readonly stack: string;
}

/** Starts training unless this one runs or has ended well. */
export function trainScript(step: TrainStep): string {
  const values = {
    WORKSPACE: step.workspace ?? WORKSPACE,
    NAME: repoName(step.repo),
    COMMIT: step.commit,
    HASH: trainingHash(step),
    COMMAND: step.command,
    ENV_LINES: exportLines(step.env),
    CHECKPOINTS: step.checkpointsDir,
    NUM_GPUS: String(step.gpus),
    WANDB_PROJECT: step.wandbProject,
    GRACE: String(step.stopGraceSeconds),
    COSTS:
      `The machine is kept and costs ${perHour(step.pricePerHour)}: mend it and run pulumi up again, ` +
      `or end it with pulumi destroy -s ${step.stack}`,
  };
  return script(values, "common", "training", "train");
}

/** The same for the same training, whatever the order of its variables. */
export function trainingHash({ commit, command, run, env, gpus, checkpointsDir, wandbProject }: Training): string {
  const variables = Object.entries(env).sort(([one], [other]) => (one < other ? -1 : 1));
  const text = JSON.stringify([commit, command, run, variables, gpus, checkpointsDir, wandbProject]);
  return createHash("sha256").update(text).digest("hex");
}

export interface StopStep extends Place {
  readonly stopGraceSeconds: number;
}

/** Asks training to stop, and ends it when it does not. */
export function stopScript({ stopGraceSeconds, workspace = WORKSPACE }: StopStep): string {
  return script({ WORKSPACE: workspace, GRACE: String(stopGraceSeconds) }, "common", "training", "stop");
}

/** Prints the checkpoint manifest of a folder. */
export function manifestScript(folder: string): string {
  return script({ FOLDER: folder }, "manifest");
}

/** "tiny-train" of https://host/me/tiny-train.git */
export function repoName(repo: string): string {
  const last = repo.replace(/\/+$/, "").split(/[/:]/).at(-1) ?? "";
  const name = last.replace(/\.git$/, "");
  return /^[\w-][\w.-]*$/.test(name) ? name : "code";
}
