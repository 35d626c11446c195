import * as pulumi from "@pulumi/pulumi";
import { Checkpoints } from "../checkpoints/checkpoints.ts";
import type { GateTerms } from "../checkpoints/gate.ts";
import type { DependencyWish } from "../code/dependencies.ts";
import { Revision, type Whole } from "../code/revision.ts";
import type { RunConfig } from "../config/config.ts";
import { registryUserOf } from "../image/build/place.ts";
import { imageInputs } from "../image/inputs.ts";
import { TrainingImage } from "../image/training-image.ts";
import { parseReference } from "../registry/reference.ts";
import { ONSTART, repoName, trainingHash } from "../remote/scripts.ts";
import { writeSshConfig } from "../ssh/ssh-config.ts";
import { Credentials } from "../steps/credentials.ts";
import { VastLease } from "../steps/lease.ts";
import { VastBid } from "../vast/instance/bid.ts";
import { VastInstance } from "../vast/instance/instance.ts";
import { openEvents } from "../vast/ready/connect.ts";
import { RunIdentity } from "./identity.ts";
import type { Prepared } from "./prepare.ts";
import { type RunCommands, runCommands } from "./shown/commands.ts";
import { secondsIn, standingIn } from "./shown/printed.ts";
import { trainingOf, trainingSteps } from "./training-steps.ts";
import { WandbRun } from "./wandb-run.ts";

/**
 * One training run: a pinned revision, trained on a rented instance that cannot be released before its checkpoints are
 * home. What can be wrong without a machine stands before the instance in the graph, so that it ends the program before
 * anything is rented.
 */
export class TrainingRun extends pulumi.ComponentResource {
  readonly revision: Revision;
  readonly wandb: WandbRun;
  readonly instance: VastInstance;
  readonly bid: VastBid;
  readonly checkpoints: Checkpoints;
  readonly commands: pulumi.Output<RunCommands>;

  constructor(name: string, prepared: Prepared, opts?: pulumi.ComponentResourceOptions) {
    super("vast-training:index:TrainingRun", name, {}, opts);
    const { config, keys, stack } = prepared;
    const { repo, branch, run, rental, maxPricePerHour, bidMarkup, stepMaxMinutes, sshKey: sshKeyFile } = config;
    const api = { apiUrl: config.apiUrl, apiKeyFile: config.apiKeyFile };
    const below = { parent: this };

    const code = { repo, branch, run };
    const { head } = prepared;
    const now = { head: head.commit, isPinned: config.commit !== "" };
    const checked = { whole: wholeOf(prepared), wish: wishOf(prepared) };
    this.revision = new Revision(`${name}-revision`, { ...code, ...now, ...checked }, below);
    this.wandb = new WandbRun(`${name}-wandb`, code, below);
    const gate = gateTerms(prepared);
    const whose = { ...api, owner: prepared.owner, project: prepared.project, stack };
    const identity = new RunIdentity(`${name}-identity`, { ...whose, run: name, singleUse: false, gate }, below);
    const { commit, dependencies } = this.revision;
    const used = trainingImage(name, prepared, commit, below);
    this.instance = new VastInstance(
      `${name}-instance`,
      {
        ...config,
        ...pullOf(used, config),
        cachedBase: prepared.image.cachedBase,
        sshKeyFile,
        label: identity.label,
        publicKeys: [...keys.publicKeys],
        onstart: ONSTART,
        provisional: true,
      },
      // Two machines at a time would be billed twice, and the provider's diff alone does not ensure the order.
      { ...below, dependsOn: [this.revision, used], deleteBeforeReplace: true },
    );
    const { instance } = this;
    this.bid = new VastBid(
      `${name}-bid`,
      { ...api, rental, maxPricePerHour, bidMarkup, instanceId: instance.id },
      below,
    );
    const { leaseHours, maxHours } = config;
    const lease = new VastLease(`${name}-lease`, { ...api, instance, leaseHours, maxHours }, below);
    const { search, fingerprints } = prepared;
    const credentials = new Credentials(
      `${name}-credentials`,
      { ...api, ...search, instance, sshKeyFile, stepMaxMinutes, fingerprints, publicKeys: keys.publicKeys },
      below,
    );
    const training = commit.apply((id) => trainingHash(trainingOf(prepared, id)));
    // The gate runs before the credentials are removed: what it stops may still need them.
    this.checkpoints = new Checkpoints(
      `${name}-checkpoints`,
      { ...api, ...gate, instance, training },
      { ...below, dependsOn: [credentials] },
    );
    const order = { lease, credentials, gate: this.checkpoints };
    const inputs = { ...onMachine(instance, prepared), ...order, commit, dependencies, wandbRunId: this.wandb.runId };
    const lastStep = trainingSteps(name, prepared, inputs, this);
    this.commands = commandsFor(instance, prepared);
    // No secret, though the step that printed it is.
    const printed = pulumi.unsecret(lastStep.stdout);
    // Not an output of the stack: those are all lost when training fails at its first start.
    const firstLine = printed.apply(secondsIn);
    noteFirstLine(instance, firstLine);
    tellStanding(this, printed, Date.now());
    this.registerOutputs({ instanceId: instance.instanceId, commit, secondsToFirstLine: firstLine });
  }
}

/** What a clone has to bring. */
function wholeOf({ config, head }: Prepared): Whole {
  const { envFile, netrcFile, exclude } = config;
  const { url, way, tokenFor, extraRepos, snapshot } = head;
  return { url, way, tokenFor, envFile, netrcFile, extraRepos, exclude, sourceDir: snapshot?.sourceDir ?? "" };
}

function wishOf({ config }: Prepared): DependencyWish {
  const { dependencies, extras, groups, forward, require } = config;
  return { dependencies, extras, groups, credentials: [...forward, ...require] };
}

/** What the gate needs to bring checkpoints home, whoever opens it. */
function gateTerms({ config, head, checkpointsTo, clone, stack }: Prepared): GateTerms {
  const {
    sshKey: sshKeyFile,
    checkpointsDir: from,
    stopGraceSeconds,
    rescueBudget,
    keepPrevious,
    stepMaxMinutes,
  } = config;
  const bring = { name: repoName(head.url), globs: config.bring, maxMb: config.bringMaxMb };
  return {
    sshKeyFile,
    from,
    checkpointsTo,
    clone,
    stack,
    stopGraceSeconds,
    rescueBudget,
    keepPrevious,
    stepMaxMinutes,
    bring,
  };
}

/** The image, and the identity of the machine that may build it. */
function trainingImage(
  name: string,
  { config, head, owner, project, stack, image }: Prepared,
  commit: pulumi.Output<string>,
  below: pulumi.CustomResourceOptions,
): TrainingImage {
  const { apiUrl, apiKeyFile } = config;
  const inputs = imageInputs(config, head);
  const whose = { apiUrl, apiKeyFile, owner, project, stack };
  const identity =
    inputs.imageBuild === "remote"
      ? new RunIdentity(`${name}-builder`, { ...whose, run: "builder", singleUse: true, gate: null }, below)
      : undefined;
  const builder = { ...inputs.builder, label: identity?.label ?? "" };
  return new TrainingImage(`${name}-image`, { ...inputs, builder, commit, found: image.found }, below);
}

/** How steps reach the machine, and what it costs. */
function onMachine(instance: VastInstance, prepared: Prepared) {
  return {
    instance,
    connection: connectionTo(instance, prepared),
    pricePerHour: instance.rentedPerHour,
    diskPerHour: instance.quote.apply((quote) => quote?.diskPerHour ?? null),
  };
}

function noteFirstLine({ id, urn }: VastInstance, seconds: pulumi.Output<number | null>): void {
  pulumi.all([id, urn, seconds]).apply(([instanceId, row, after]) => {
    if (pulumi.runtime.isDryRun() || after === null) return;
    const reason = `${after} s after the first login`;
    openEvents(row).noteOnce({ what: "first line", instance: Number(instanceId), reason });
  });
}

/** Says what training does, if the step has looked since then. */
function tellStanding(run: TrainingRun, printed: pulumi.Output<string>, since: number): void {
  pulumi.all([printed, run.wandb.runId]).apply(([text = "", runId]) => {
    const lines = pulumi.runtime.isDryRun() ? [] : standingIn(text, runId, since);
    if (lines.length > 0) void pulumi.log.info(lines.join("\n"), run);
  });
}

function commandsFor({ id, sshHost, sshPort }: VastInstance, { keys, stack }: Prepared): pulumi.Output<RunCommands> {
  return pulumi.all([id, sshHost, sshPort]).apply(([instanceId, host, port]) => {
    const machine = { instanceId: Number(instanceId), key: keys };
    if (!pulumi.runtime.isDryRun()) writeSshConfig({ ...machine, host, port, stack });
    return runCommands(machine, stack);
  });
}

/** What the machine pulls, and as whom. */
function pullOf({ pinned, compressedBytes, isPrivate }: TrainingImage, { image, registryUser, envFile }: RunConfig) {
  const reference = parseReference(image);
  const login = reference === undefined ? null : { ...registryUserOf(reference, registryUser), envFile };
  return {
    image: pinned,
    imageBytes: compressedBytes,
    imageLogin: isPrivate.apply((needed) => (needed ? login : null)),
  };
}

/** Our own key, in an agent of its own, and the pinned host key; the user's agent and ssh config play no part. */
function connectionTo({ sshHost, sshPort, hostKey }: VastInstance, { agentSocket }: Prepared) {
  return {
    host: sshHost,
    port: sshPort,
    user: "root",
    hostKey,
    agentSocketPath: agentSocket,
    dialErrorLimit: 20,
    perDialTimeout: 10,
  };
}
