import * as pulumi from "@pulumi/pulumi";
import type { Dependencies } from "../remote/checks.ts";
import { type CodeStep, codeScript, fetchScript, type Training, trainScript } from "../remote/scripts.ts";
import { Code, type CodeArgs } from "../steps/code.ts";
import { RemoteStep, type StepHost } from "../steps/step.ts";
import { apiOrigin, targetOf } from "../vast/client/api.ts";
import type { VastInstance } from "../vast/instance/instance.ts";
import type { Prepared } from "./prepare.ts";

/** What the steps need beside the stack config. */
export interface StepInputs extends StepHost {
  readonly commit: pulumi.Output<string>;
  readonly dependencies: pulumi.Output<Dependencies>;
  readonly pricePerHour: pulumi.Output<number>;
  /** $/h of the disk alone; null = not known. */
  readonly diskPerHour: pulumi.Output<number | null>;
  readonly wandbRunId: pulumi.Output<string>;
  /** Must be held before training starts: from then on Vast must not delete the machine. */
  readonly lease: pulumi.Resource;
  /** Must be there before training starts. */
  readonly credentials: pulumi.Resource;
  /** Must stand before training starts, so that nothing trains without a gate behind it. */
  readonly gate: pulumi.Resource;
}

/**
 * The steps on the machine: code, then training with what it needs. Each makes it so; none touches a training that is
 * already what it should be.
 */
export function trainingSteps(
  name: string,
  prepared: Prepared,
  inputs: StepInputs,
  parent: pulumi.Resource,
): RemoteStep {
  const { config, head, stack } = prepared;
  const { lease, credentials, gate } = inputs;
  const { branch, stopGraceSeconds, afterTraining, afterTrainingMinutes, maxHours, stepMaxMinutes } = config;
  const { links, setup, preflight, resumeFrom, interactive } = config;
  const repo = head.url;
  const apiUrl = apiOrigin(config.apiUrl);
  const guard = { apiUrl, stopGraceSeconds, afterTraining, afterTrainingMinutes, maxHours, stack };
  const known = pulumi
    .all([inputs.commit, inputs.pricePerHour, inputs.diskPerHour])
    .apply(([commit, pricePerHour, diskPerHour]) => ({
      ...trainingOf(prepared, commit),
      ...guard,
      pricePerHour,
      diskPerHour,
      repo,
      stepMaxMinutes,
    }));
  const { way, tokenFor, sshConfig, knownHosts, extraRepos } = head;
  const how = { branch, extraRepos, way, tokenFor, sshConfig, knownHosts };
  const mirror = { exclude: config.exclude, clean: head.snapshot !== undefined };
  const codeStep = known.apply((values) => ({ ...values, ...how, ...mirror }));
  const code = new Code(`${name}-code`, codeArgs(prepared, inputs.instance, codeStep), { parent });
  const { gpu, machineId } = inputs.instance;
  const { dependencies, wandbRunId } = inputs;
  const train = pulumi
    .all([known, dependencies, wandbRunId, gpu, machineId])
    .apply(([values, dependencies, runId, gpu, machineId]) => {
      const wandb = { runId, branch, commit: values.commit, gpu, pricePerHour: values.pricePerHour, machineId };
      return trainScript({ ...values, dependencies, links, setup, preflight, resumeFrom, interactive, wandb });
    });
  return new RemoteStep(`${name}-training`, inputs, train, { parent, dependsOn: [lease, code, credentials, gate] });
}

function codeArgs({ config, head }: Prepared, instance: VastInstance, step: pulumi.Output<CodeStep>): CodeArgs {
  const { sshKey: sshKeyFile, envFile, netrcFile, branch, stepMaxMinutes } = config;
  const sourceDir = head.snapshot?.sourceDir ?? "";
  const extras = head.extraRepos.map(({ url, commit }) => ({ url, commit, ref: "HEAD" }));
  const wanted = step.apply(({ commit }) => [{ url: head.url, commit, ref: `refs/heads/${branch}` }, ...extras]);
  const scripts = { script: step.apply(codeScript), fetchScript: head.way === "agent" ? step.apply(fetchScript) : "" };
  return {
    ...targetOf(config),
    sshKeyFile,
    stepMaxMinutes,
    envFile,
    netrcFile,
    instance,
    way: head.way,
    wanted,
    sourceDir,
    ...scripts,
  };
}

/** What training is. */
export function trainingOf({ config }: Pick<Prepared, "config">, commit: string): Training {
  const { trainCommand: command, run, env, gpus, checkpointsDir, wandbProject, extraRepos } = config;
  return { commit, extraRepos, command, run, env, gpus, checkpointsDir, wandbProject };
}
