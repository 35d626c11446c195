import { relative } from "node:path";
import { billTable, filesIn, type HomeFile, lossesIn } from "./evidence.ts";
import type { Screen } from "./screen.ts";
import { type Stage, StepFailed } from "./stage.ts";

const stack = "local";

/** The whole job, in the order in which a newcomer would do it. */
export async function story(stage: Stage, screen: Screen): Promise<void> {
  const { run, runUntil, simulator } = stage;
  const look = ["--suppress-progress", "--color", screen.tty ? "always" : "never"];

  screen.heading("1/6  A stack is one training run");
  screen.say("Stack `local` is the real program with `apiUrl: simulator`: no account, no money.");
  await run("pulumi", "stack", "init", stack);

  screen.heading("2/6  Dry run: what would be rented, and at what price?");
  await run("pulumi", "preview", ...look);

  screen.heading("3/6  Rent it, clone the code, install it, start training");
  screen.say("The dry run was step 2; without --yes and --skip-preview, up shows it once more and asks.");
  await run("pulumi", "up", "--yes", "--skip-preview", ...look);

  screen.heading("4/6  Watch the loss go down (^C ends the watching, not the training)");
  const log = await runUntil(
    (lines) => lossWentDown(lines) && savedOnce(lines),
    ...["vast-run", "logs", "-f", "-n", "1000"],
  );
  const losses = lossesIn(log);
  screen.say(`The loss went from ${losses[0]} to ${losses.at(-1)} in ${losses.length} steps.`);

  screen.heading("5/6  Fetch the checkpoints while it trains");
  const { stdout } = await run("vast-run", "sync");
  const folder = stdout.trim();
  const fetched = checkpointsIn(folder, stage, screen);

  screen.heading("6/6  Tear down: stop training, fetch what is new, verify it, release the machine");
  await run("pulumi", "destroy", "--yes", ...look);
  const brought = checkpointsIn(folder, stage, screen);
  if (!isWhole(fetched, brought)) throw new StepFailed("What sync had fetched is not what destroy brought home.");

  screen.heading("The bill");
  const ledger = await simulator.ledger();
  for (const line of billTable(ledger)) screen.output(line);
  if (ledger.living > 0) throw new StepFailed("The destroy went through, but a machine is still running.");
  if (ledger.contracts.length === 0) throw new StepFailed("Nothing was ever rented.");
  screen.say("Nothing is running, and the bill stands still.");
}

function lossWentDown(lines: readonly string[]): boolean {
  const losses = lossesIn(lines);
  return losses.length >= 10 && (losses.at(-1) ?? 0) < (losses[0] ?? 0);
}

function savedOnce(lines: readonly string[]): boolean {
  return lines.some((line) => /saved|checkpoint/i.test(line));
}

/** Shows the files in a folder; there must be some. */
function checkpointsIn(folder: string, { workspace }: Stage, screen: Screen): HomeFile[] {
  const files = filesIn(folder);
  if (files.length === 0) throw new StepFailed(`No checkpoint came home to ${folder}.`);
  screen.say(`In ${relative(workspace.dir, folder)}:`);
  for (const file of files) screen.output(`${file.name}  ${file.bytes} bytes  sha256 ${file.sha256.slice(0, 12)}`);
  return files;
}

/** Are all earlier files there unchanged, and has training saved once more before it ended? */
function isWhole(before: readonly HomeFile[], after: readonly HomeFile[]): boolean {
  const hashes = new Map(after.map((file) => [file.name, file.sha256]));
  return after.length > before.length && before.every((file) => hashes.get(file.name) === file.sha256);
}
