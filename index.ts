import { sayWhatBillsAtBadEnd } from "./components/run/bills.ts";
import { prepare } from "./components/run/prepare.ts";
import { TrainingRun } from "./components/run/training-run.ts";

// Everything that is wrong is found here, all at once, before anything is registered.
const name = "run";
const prepared = await prepare(name);
const run = new TrainingRun(name, prepared);
sayWhatBillsAtBadEnd(run.instance, prepared.stack);

export const { instanceId, sshHost, sshPort, pricePerHour, quote } = run.instance;
export const { sshCommand, logCommand, attachCommand, syncCommand } = run.commands;
export const { branch, wandbProject } = prepared.config;
export const { commit } = run.revision;
export const source = prepared.source ?? null;
export const wandbRunId = run.wandb.runId;
export const checkpoints = run.checkpoints.home;
export const destroyCommand = `pulumi destroy -s ${prepared.stack}`;
