import * as pulumi from "@pulumi/pulumi";
import { type CodeSource, checkRepository } from "../code/check-repository.ts";
import { sourceText } from "../code/check-source.ts";
import { type SavedSource, savedSource, saveSource } from "../code/git/snapshot.ts";
import { isSameValue, type RunConfig, readConfig, stackConfig } from "../config/config.ts";
import { secretConfigProblems } from "../config/secret.ts";
import { changedByYaml, stackFile } from "../config/yaml.ts";
import { type CredentialSearch, findCredentials } from "../credentials/credentials.ts";
import { type Fingerprints, fingerprintsOf } from "../credentials/fingerprint.ts";
import { learnCredentials, noteSearch } from "../credentials/known.ts";
import { checkBuild, checkImage, type ImageNow } from "../image/check-image.ts";
import { diskError } from "../lib/disk.ts";
import { absolute, isRelative, whyNotReadable, whyNotWritable } from "../lib/path.ts";
import { attempt, type Check, failed, type Problem } from "../lib/problem.ts";
import { withoutSecrets } from "../lib/secrets.ts";
import { openStateDir } from "../lib/state-dir.ts";
import { printable } from "../lib/text.ts";
import { problemsError } from "../pulumi/problems.ts";
import { agentPath, serveKey } from "../ssh/own-agent.ts";
import { checkPrograms } from "../ssh/own-programs.ts";
import { checkAccount, checkMarket, type Vast } from "./account.ts";
import { billLines } from "./bills.ts";
import { checkKeys, type Keys } from "./keys.ts";
import { warnOfOpenIntents } from "./open-intents.ts";

/** Everything a run needs, found and checked. */
export interface Prepared {
  readonly config: RunConfig;
  readonly project: string;
  readonly stack: string;
  /** Owner id of the state directory; part of every label. */
  readonly owner: string;
  readonly head: CodeSource;
  /** With source rsync: how to make the sent files again. */
  readonly source?: SavedSource;
  readonly image: ImageNow;
  /** Where credentials are looked for. */
  readonly search: CredentialSearch;
  /** Fingerprints of the credentials found. Values are not passed on; whoever needs one reads it again. */
  readonly fingerprints: Fingerprints;
  readonly keys: Keys;
  /** Absolute path. */
  readonly checkpointsTo: string;
  /** The folder of the project, where the config has that path relative to it. */
  readonly clone?: string;
  /** Where an ssh agent that holds our key answers, for as long as the program runs. */
  readonly agentSocket: string;
}

/**
 * Reads the stack config and checks everything that can be wrong without a machine. Throws one RunError that lists every
 * problem; nothing has been registered when it returns.
 *
 * @param name of the run, as its label has it
 */
export async function prepare(name: string, env: NodeJS.ProcessEnv = process.env): Promise<Prepared> {
  learnCredentials(env);
  return prepareRun(name, env).catch((error: Error) => {
    throw withoutSecrets(error);
  });
}

async function prepareRun(name: string, env: NodeJS.ProcessEnv): Promise<Prepared> {
  const [project, stack] = [pulumi.getProject(), pulumi.getStack()];
  const raw = stackConfig();
  const { config, problems } = readConfig(raw);
  const changed = changedByYaml(stackFile(stack), project, raw, isSameValue);
  const findings = await examine(config, [...problems, ...changed, ...secretConfigProblems(project, env)], env).catch(
    (error) => {
      const disk = diskError(error);
      throw disk === undefined ? error : problemsError([{ key: "disk", found: disk.message }], stack);
    },
  );
  if (findings.dir !== undefined) warnOfOpenIntents(findings.dir, stack);
  if (!isComplete(findings)) {
    const { vast, dir, problems } = findings;
    const whose = { owner: dir?.owner ?? "", project, stack, run: name };
    throw problemsError(problems, stack, vast && dir ? await billLines(vast, whose) : []);
  }
  const { dir, head, image, credentials, keys, checkpointsTo } = findings;
  const { forward, require, envFile, netrcFile } = findings.config;
  const search = { forward, require, envFile, netrcFile, ...wandbOf(findings.config) };
  noteSearch(dir, search, env);
  for (const twin of head.twins ?? []) {
    const text = `${twin} is a branch as well: without quotes YAML makes ${findings.config.branch} of it (branch: "${twin}")`;
    void pulumi.log.warn(printable(text));
  }
  const agentSocket = agentPath(dir, project, stack);
  if (head.snapshot !== undefined) {
    if (pulumi.runtime.isDryRun()) void pulumi.log.info(`to be sent: ${sourceText(head.snapshot)}`);
    else saveSource(dir, head.snapshot);
  }
  const source = head.snapshot && savedSource(dir, head.snapshot);
  if (!pulumi.runtime.isDryRun()) {
    await serveKey(agentSocket, keys.privateKeyFile).catch(({ message }: Error) => {
      throw new pulumi.RunError(message);
    });
  }
  return {
    config: findings.config,
    project,
    stack,
    owner: dir.owner,
    head,
    ...(source ? { source } : {}),
    image,
    search,
    fingerprints: fingerprintsOf(dir, credentials),
    keys,
    checkpointsTo,
    ...(isRelative(findings.config.checkpointsTo) ? { clone: process.cwd() } : {}),
    agentSocket,
  };
}

/** All checks in parallel, on the part of the config that could be read. */
async function examine(config: Partial<RunConfig>, earlier: readonly Problem[], env: NodeJS.ProcessEnv) {
  const dir = attempt("VAST_TRAINING_HOME", () => openStateDir(env));
  const credentials = checkCredentials(config, env);
  const checkpointsTo = checkCheckpointsTo(config, env);
  const [programs, keys, head, image, vast] = await Promise.all([
    checkPrograms(env),
    checkKeys(dir.value, config, env),
    checkRepository(config, env),
    checkImage(config, env),
    checkAccount(config, env),
  ]);
  const checks: Check<unknown>[] = [
    programs,
    dir,
    credentials,
    checkpointsTo,
    checkLabDir(config, env),
    keys,
    head,
    image,
    vast,
  ];
  const problems = [...earlier, ...checks.flatMap((check) => check.problems)];
  const more = problems.length > 0 ? await laterProblems(config, vast.value, image.value && head.value) : [];
  return {
    config: config as RunConfig,
    problems: [...problems, ...more],
    dir: dir.value,
    credentials: credentials.value,
    checkpointsTo: checkpointsTo.value,
    keys: keys.value,
    head: head.value,
    image: image.value,
    // null: a run can do without an answer.
    vast: vast.value ?? null,
  };
}

/**
 * Problems that the resources would find later. They are checked here only when there are other problems, so that
 * nothing is asked twice.
 */
async function laterProblems(
  config: Partial<RunConfig>,
  vast: Vast | null | undefined,
  head: CodeSource | undefined,
): Promise<Problem[]> {
  const [market, build] = await Promise.all([vast && checkMarket(vast, config), checkBuild(config, head)]);
  return [...(market?.problems ?? []), ...build];
}

type Findings = Awaited<ReturnType<typeof examine>>;
type Complete = { [Key in keyof Findings]: Exclude<Findings[Key], undefined> };

function isComplete(findings: Findings): findings is Complete {
  return findings.problems.length === 0 && !Object.values(findings).includes(undefined);
}

function checkCredentials(config: Partial<RunConfig>, env: NodeJS.ProcessEnv): Check<Readonly<Record<string, string>>> {
  const { forward = [], require = [], envFile, netrcFile } = config;
  if (envFile === undefined || netrcFile === undefined) return { problems: [] };
  const { values, problems, warnings } = findCredentials(
    { forward, require, envFile, netrcFile, ...wandbOf(config) },
    env,
  );
  for (const warning of warnings) void pulumi.log.warn(warning);
  return { value: values, problems };
}

function wandbOf({ env }: Partial<RunConfig>): { wandbUrl?: string } {
  return env?.WANDB_BASE_URL ? { wandbUrl: env.WANDB_BASE_URL } : {};
}

/** An error only when the folder cannot be read; one that is only readable is still useful, and gets a warning. */
function checkLabDir({ labDir = "" }: Partial<RunConfig>, env: NodeJS.ProcessEnv): Check<undefined> {
  if (labDir === "") return { problems: [] };
  const folder = absolute(labDir, env);
  const why = whyNotReadable(folder);
  if (why !== undefined)
    return failed({
      key: "labDir",
      found: why,
      write: "write a folder that is there and that you may read, or nothing",
    });
  const unwritable = whyNotWritable(folder);
  if (unwritable !== undefined)
    void pulumi.log.warn(`labDir: ${unwritable}: what machines are like is noted for you alone`);
  return { problems: [] };
}

function checkCheckpointsTo({ checkpointsTo }: Partial<RunConfig>, env: NodeJS.ProcessEnv): Check<string> {
  if (checkpointsTo === undefined) return { problems: [] };
  const folder = absolute(checkpointsTo, env);
  const why = whyNotWritable(folder);
  if (why === undefined) return { value: folder, problems: [] };
  return failed({
    key: "checkpointsTo",
    found: `${folder} cannot be made: ${why}`,
    write: "a folder you can write to",
  });
}
