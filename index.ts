import { sayWhatBillsAtBadEnd } from "./components/run/bills.ts";
import { prepare } from "./components/run/prepare.ts";
import { stackOutputs } from "./components/run/shown/outputs.ts";
import { TrainingRun } from "./components/run/training-run.ts";

// Everything that is wrong is found here, all at once, before anything is registered.
const name = "run";
const prepared = await prepare(name);
const run = new TrainingRun(name, prepared);
sayWhatBillsAtBadEnd(run.instance, prepared.stack);

const { sshCommand, logCommand, attachCommand, syncCommand } = run.commands;
const { branch, wandbProject } = prepared.config;
export default await stackOutputs(run, prepared.stack, {
  ...{ sshCommand, logCommand, attachCommand, syncCommand },
  ...{ branch, commit: run.revision.commit, source: prepared.source ?? null },
  ...{ wandbProject, wandbRunId: run.wandb.runId, checkpoints: run.checkpoints.home },
});
