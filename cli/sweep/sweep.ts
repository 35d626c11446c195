import { resolve } from "node:path";
import { openStateDir } from "../../components/lib/state-dir.ts";
import { stackOf } from "../../components/vast/journal/journal.ts";
import { realClock } from "../../components/vast/ready/connect.ts";
import type { Doubt } from "../../components/vast/rental/untouched.ts";
import { type OptionValues, type Terminal, textOption, textOptions } from "../command/command.ts";
import { exitCode, Failure } from "../command/failure.ts";
import { progressOn } from "../command/progress.ts";
import { closeEmpty } from "../fleet/fleet.ts";
import { bare, belongsTo, type Survey, type Surveyed, unheldIn } from "../fleet/survey.ts";
import { machineLine } from "../fleet/table.ts";
import { chosen, end } from "./end.ts";
import { doubtOf, ensureEmpty } from "./inside.ts";
import { look } from "./look.ts";
import { jsonText, show } from "./show.ts";

/** Runs `vast-run sweep`. */
export async function sweepMachines(
  values: OptionValues,
  terminal: Terminal,
  words: readonly string[],
): Promise<number> {
  checkUsage(values, words, terminal);
  const survey = narrowed(await lookFor(values, terminal), values, terminal);
  if (!values.json) show(survey, values["all-owners"] === true, terminal);
  const { ended, failed } = values.destroy ? await destroy(survey, values, words, terminal) : NOTHING;
  if (values.json) terminal.out(jsonText(survey, values["all-owners"] === true, ended));
  if (failed || survey.unseen.length > 0) return exitCode.failed;
  return unheldIn(survey).every((machine) => ended.includes(machine)) ? exitCode.ok : exitCode.unheld;
}

function checkUsage(values: OptionValues, ids: readonly string[], { interactive }: Terminal): void {
  const { destroy, yes } = values;
  const usage = (text: string) => new Failure(exitCode.usage, text);
  if (!destroy && ids.length > 0)
    throw usage(`${ids[0]}: ids are for --destroy; write: vast-run sweep --destroy ${ids[0]}`);
  if (!destroy && yes) throw usage("--yes is for --destroy; write: vast-run sweep --destroy --yes");
  const wrong = ids.find((id) => !/^[1-9]\d*$/.test(id));
  if (wrong !== undefined) throw usage(`"${wrong}" is not the id of a machine; vast-run sweep lists them`);
  if (destroy && !yes && !interactive) throw usage("--destroy asks, and there is no terminal to ask on; add --yes");
}

function lookFor(values: OptionValues, { cwd, env, note }: Terminal): Promise<Survey> {
  const stateFiles = textOptions(values, "other-state").map((file) => resolve(cwd, file));
  return look({ cwd, env, stateFiles, clock: realClock, note });
}

/** Keeps only what belongs to the stacks of `--stack`. Holders are still looked up in all stacks. */
function narrowed(survey: Survey, values: OptionValues, { env }: Terminal): Survey {
  const named = textOption(values, "stack");
  if (named === undefined) return survey;
  const stack = bare(named);
  const names = { owner: openStateDir(env).owner, project: "vast-training", stack };
  return {
    ...survey,
    machines: survey.machines.filter((machine) => belongsTo(machine, names)),
    empty: survey.empty.filter((intent) => stackOf(intent) === stack),
  };
}

const NOTHING: Outcome = { ended: [], failed: false };

interface Outcome {
  readonly ended: readonly Surveyed[];
  /** True if a machine that was to be ended may still exist. */
  readonly failed: boolean;
}

async function destroy(
  survey: Survey,
  values: OptionValues,
  ids: readonly string[],
  terminal: Terminal,
): Promise<Outcome> {
  const machines = chosen(survey, ids);
  refuseOthers(machines, values, terminal);
  const progress = progressOn(terminal);
  const means = { env: terminal.env, progress: progress.show, note: terminal.note };
  const doubts = values.yes ? [] : await Promise.all(machines.map((machine) => doubtOf(machine, means)));
  progress.end();
  const wanted = values.yes ? machines : await agreedOn(machines, doubts, values, terminal);
  // Without --yes the person was told what is lost before agreeing.
  const gate = async (machine: Surveyed) => (values.yes ? ensureEmpty(machine, means) : undefined);
  const ended = await end(wanted, survey, { ...means, gate });
  progress.end();
  for (const machine of ended) terminal.note(`${machineLine(machine)} is gone`);
  closeEmpty(survey.empty, terminal.env);
  return { ended, failed: ended.length < wanted.length };
}

function refuseOthers(machines: readonly Surveyed[], values: OptionValues, { interactive }: Terminal): void {
  const other = machines.find(({ holder }) => holder.by === "another owner");
  if (other === undefined) return;
  const text = `${machineLine(other)} is another owner's, so nothing is ended`;
  if (!values["all-owners"]) throw new Failure(exitCode.usage, `${text}; it takes --all-owners, and your word for it`);
  if (values.yes || !interactive) {
    throw new Failure(exitCode.usage, `${text}; that needs a terminal, without --yes`);
  }
}

/** The machines that the person agrees to end and that nobody has taken since. */
async function agreedOn(
  machines: readonly Surveyed[],
  doubts: readonly (Doubt | undefined)[],
  values: OptionValues,
  terminal: Terminal,
): Promise<Surveyed[]> {
  const agreed: Surveyed[] = [];
  for (const [at, machine] of machines.entries()) {
    if (await agrees(machine, doubts[at], terminal)) agreed.push(machine);
  }
  if (agreed.length === 0) return [];
  const { machines: now, unseen } = await lookFor(values, terminal);
  const isMissing = unseen.length === 0 ? "it is gone meanwhile" : "it cannot be seen now";
  return agreed.filter((machine) => {
    const same = now.find(({ instance, target }) => {
      return instance.id === machine.instance.id && target.url === machine.target.url;
    });
    if (same?.holder.by === machine.holder.by && same.instance.label === machine.instance.label) return true;
    const why = same === undefined ? isMissing : "somebody has taken it meanwhile";
    terminal.note(`${machineLine(machine)} is left alone: ${why}`);
    return false;
  });
}

async function agrees(
  machine: Surveyed,
  doubt: Doubt | undefined,
  { ask = async () => "" }: Terminal,
): Promise<boolean> {
  const { instance, holder } = machine;
  const answer = await ask(`Destroy ${machineLine(machine)}? ${lossText(doubt)} [y/N]`);
  if (!/^y(es)?$/i.test(answer.trim())) return false;
  if (holder.by !== "another owner") return true;
  const typed = await ask(`It is ANOTHER OWNER'S, who may be training on it. Type its id to destroy it all the same:`);
  return typed.trim() === String(instance.id);
}

/** Says what is lost with the machine. */
function lossText(doubt: Doubt | undefined): string {
  if (doubt === undefined) return "No training of yours has run on it.";
  const { seen, why } = doubt;
  const what = seen ? "TRAINING HAS RUN ON IT" : `NOBODY CAN SEE WHAT IS ON IT (${why})`;
  return `${what}. Nothing is fetched: checkpoints that are only there are lost.`;
}
