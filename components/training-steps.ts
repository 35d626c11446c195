import * as pulumi from "@pulumi/pulumi";
import type { Prepared } from "./preflight.ts";
import { RemoteStep, type StepHost } from "./remote/step.ts";
import { codeScript, dependenciesScript, trainScript } from "./remote/steps.ts";

/** What the steps need beside the stack config. */
export interface StepInputs extends StepHost {
  readonly commit: pulumi.Output<string>;
  readonly pricePerHour: pulumi.Output<number>;
  /** Must be there before training starts. */
  readonly credentials: pulumi.Resource;
  /** Must stand before training starts, so that nothing trains without a gate behind it. */
  readonly gate: pulumi.Resource;
}

/**
 * The steps on the machine: code and dependencies, then training. Each makes it so; none touches a training that is
 * already what it should be.
 */
export function trainingSteps(
  name: string,
  prepared: Prepared,
  inputs: StepInputs,
  parent: pulumi.Resource,
): RemoteStep {
  const { config, head, stack } = prepared;
  const { commit, credentials, gate, pricePerHour } = inputs;
  const { branch, run, env, gpus, checkpointsDir, wandbProject, stopGraceSeconds, trainCommand } = config;
  const repo = head.url;
  const step = (what: string, script: pulumi.Output<string>, dependsOn: pulumi.Resource[]) =>
    new RemoteStep(`${name}-${what}`, inputs, script, { parent, dependsOn });

  const fetch = commit.apply((id) => codeScript({ repo, branch, commit: id, stopGraceSeconds }));
  const code = step("code", fetch, []);
  const dependencies = step(
    "dependencies",
    commit.apply(() => dependenciesScript({ repo })),
    [code],
  );
  const training = {
    command: trainCommand,
    run,
    env,
    gpus,
    checkpointsDir,
    wandbProject,
    repo,
    stopGraceSeconds,
    stack,
  };
  const start = pulumi
    .all([commit, pricePerHour])
    .apply(([id, price]) => trainScript({ ...training, commit: id, pricePerHour: price }));
  return step("training", start, [credentials, dependencies, gate]);
}
