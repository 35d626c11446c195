import { openScreen, type Screen } from "./quickstart/screen.ts";
import { Interrupted, openStage, type Stage, StepFailed } from "./quickstart/stage.ts";
import { story } from "./quickstart/story.ts";

const whatNext = [
  'npm run setup && eval "$(npm run -s shellenv)"    # pulumi and vast-run in your shell, no root needed',
  "put your key into ~/.vast_api_key (chmod 600)      # https://console.vast.ai, Keys",
  "pulumi preview -s dev                              # the same dry run, on the real market",
  "pulumi up -s dev                                   # in tmux; from here on it costs money",
  "pulumi destroy -s dev                              # brings the checkpoints home and ends the bill",
];

const HELP = `npm run quickstart plays the whole job on the built-in simulator, in a copy of this project that is removed at the end:
a quote, a machine, training, checkpoints brought home, a teardown. It takes no options, and changes nothing of yours.
`;

/** Plays the story and removes the stage afterwards, however the story ended. */
async function main(): Promise<number> {
  const screen = openScreen(process.stdout);
  const began = Date.now();
  let stage: Stage | undefined;
  let interrupts = 0;
  const onSignal = () => {
    interrupts += 1;
    screen.say(interrupts === 1 ? "\nInterrupted: ending what was started." : "\nEnding at once.");
    stage?.interrupt();
  };
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, onSignal);

  let code = 0;
  try {
    screen.say("The whole job on the built-in simulator, in a copy of this project that is removed at the end.");
    stage = await openStage(screen);
    if (interrupts > 0) throw new Interrupted();
    await story(stage, screen);
  } catch (error) {
    code = error instanceof Interrupted ? 130 : 1;
    if (error instanceof Interrupted) await stage?.release();
    else report(error, stage, screen);
  } finally {
    await stage?.close();
  }
  if (code === 130) screen.say("Everything that was started has ended and is removed.");
  if (code === 0) farewell(screen, Math.round((Date.now() - began) / 1000));
  return code;
}

function report(error: unknown, stage: Stage | undefined, screen: Screen): void {
  const text = error instanceof StepFailed ? error.message : ((error as Error).stack ?? String(error));
  screen.say(`\nThe quickstart failed. ${text}`);
  const log = stage?.simulator.log.slice(-8) ?? [];
  if (log.length > 0) screen.say("The simulator's last words:");
  for (const line of log) screen.output(line);
}

function farewell(screen: Screen, seconds: number): void {
  screen.heading(`Done in ${seconds} s, and everything is removed. Next, a real run:`);
  for (const line of whatNext) screen.output(line);
}

if (process.argv.includes("--help")) process.stdout.write(HELP);
else process.exitCode = await main();
