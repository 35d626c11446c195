import * as pulumi from "@pulumi/pulumi";
import { Checkpoints } from "../checkpoints/checkpoints.ts";
import { Revision } from "../code/revision.ts";
import type { RunConfig } from "../config/config.ts";
import { registryUserOf } from "../image/build/place.ts";
import { imageInputs } from "../image/inputs.ts";
import { TrainingImage } from "../image/training-image.ts";
import { parseReference } from "../registry/reference.ts";
import { ONSTART, trainingHash } from "../remote/scripts.ts";
import { writeSshConfig } from "../ssh/ssh-config.ts";
import { Credentials } from "../steps/credentials.ts";
import { VastBid } from "../vast/instance/bid.ts";
import { VastInstance } from "../vast/instance/instance.ts";
import { RunIdentity } from "./identity.ts";
import type { Prepared } from "./prepare.ts";
import { type RunCommands, runCommands, secondsToFirstLine } from "./run-commands.ts";
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
  readonly checkpoints: Checkpoints;
  readonly commands: pulumi.Output<RunCommands>;

  constructor(name: string, prepared: Prepared, opts?: pulumi.ComponentResourceOptions) {
    super("vast-training:index:TrainingRun", name, {}, opts);
    const { config, head, keys, project, stack, owner, checkpointsTo } = prepared;
    const {
      repo,
      branch,
      run,
      apiUrl,
      apiKeyFile,
      sshKey: sshKeyFile,
      checkpointsDir: from,
      stopGraceSeconds,
    } = config;
    const api = { apiUrl, apiKeyFile };
    const below = { parent: this };

    const { envFile, netrcFile, exclude } = config;
    const { url, way, tokenFor, extraRepos } = head;
    const sourceDir = head.snapshot?.sourceDir ?? "";
    const whole = { url, way, tokenFor, envFile, netrcFile, extraRepos, exclude, sourceDir };
    this.revision = new Revision(`${name}-revision`, { repo, branch, run, head: head.commit, whole }, below);
    this.wandb = new WandbRun(`${name}-wandb`, { repo, branch, run }, below);
    const whose = { ...api, owner, project, stack };
    const { rental, maxPricePerHour, bidMarkup, rescueBudget, keepPrevious, stepMaxMinutes } = config;
    const limits = { stopGraceSeconds, rescueBudget, keepPrevious, stepMaxMinutes };
    const gate = { sshKeyFile, from, checkpointsTo, stack, ...limits };
    const identity = new RunIdentity(`${name}-identity`, { ...whose, run: name, singleUse: false, gate }, below);
    const { commit } = this.revision;
    const inputs = imageInputs(config, head);
    const builderIdentity =
      inputs.imageBuild === "remote"
        ? new RunIdentity(`${name}-builder`, { ...whose, run: "builder", singleUse: true, gate: null }, below)
        : undefined;
    const builder = { ...inputs.builder, label: builderIdentity?.label ?? "" };
    const used = new TrainingImage(`${name}-image`, { ...inputs, builder, commit, found: prepared.image.found }, below);
    this.instance = new VastInstance(
      `${name}-instance`,
      {
        ...config,
        ...pullOf(used, config),
        sshKeyFile,
        label: identity.label,
        publicKeys: [...keys.publicKeys],
        onstart: ONSTART,
        checkpointsDir: config.checkpointsDir,
      },
      // Two machines at a time would be billed twice, and the provider's diff alone does not ensure the order.
      { ...below, dependsOn: [this.revision, used], deleteBeforeReplace: true },
    );
    const { instance } = this;
    new VastBid(`${name}-bid`, { ...api, rental, maxPricePerHour, bidMarkup, instanceId: instance.id }, below);
    const { search, fingerprints } = prepared;
    const credentials = new Credentials(
      `${name}-credentials`,
      { ...api, ...search, instance, sshKeyFile, stepMaxMinutes, fingerprints, publicKeys: keys.publicKeys },
      below,
    );
    const training = commit.apply((id) => trainingHash(trainingOf(prepared, id)));
    // What is stopped and fetched by the gate may still need its credentials, so the gate goes first.
    this.checkpoints = new Checkpoints(
      `${name}-checkpoints`,
      { ...api, ...gate, instance, training },
      { ...below, dependsOn: [credentials] },
    );
    const { rentedPerHour: pricePerHour } = instance;
    const diskPerHour = instance.quote.apply((quote) => quote?.diskPerHour ?? null);
    const connection = connectionTo(instance, prepared);
    const lastStep = trainingSteps(
      name,
      prepared,
      {
        instance,
        connection,
        commit,
        pricePerHour,
        diskPerHour,
        credentials,
        gate: this.checkpoints,
        wandbRunId: this.wandb.runId,
      },
      this,
    );

    this.commands = pulumi.all([instance.id, instance.sshHost, instance.sshPort]).apply(([id, host, port]) => {
      const machine = { instanceId: Number(id), key: keys };
      if (!pulumi.runtime.isDryRun()) writeSshConfig({ ...machine, host, port, stack });
      return runCommands(machine, stack);
    });
    // Not an output of the stack: all of those would be lost with it when training fails at its first start.
    const firstLine = secondsToFirstLine(lastStep.stdout);
    this.registerOutputs({ instanceId: instance.instanceId, commit, secondsToFirstLine: firstLine });
  }
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
