import { parseArgs } from "node:util";
import { Failure } from "../cli/command/failure.ts";
import { configTexts } from "../cli/fleet/config.ts";
import { projectOf } from "../cli/fleet/project.ts";
import { pulumi } from "../cli/fleet/stack.ts";
import { checkRepository } from "../components/code/check-repository.ts";
import { type RunConfig, readConfig } from "../components/config/config.ts";
import { makeImage, planImage } from "../components/image/build/build.ts";
import { endLeftBuilder } from "../components/image/build/builder.ts";
import { sha256 } from "../components/image/build/plan.ts";
import type { ImageState, TrainingImageInputs } from "../components/image/build/state.ts";
import { imageInputs } from "../components/image/inputs.ts";
import { type Problem, problemLine } from "../components/lib/problem.ts";
import { hidden } from "../components/lib/secrets.ts";
import { openStateDir } from "../components/lib/state-dir.ts";
import { throttled } from "../components/pulumi/throttle.ts";
import { runLabel } from "../components/vast/journal/label.ts";

const HELP = `Builds and pushes the image of a training's dependencies, without renting a machine to train on.

  npm run image -- [options]

  --check            only say what would be done
  -s, --stack STACK  whose config is read (default: the selected one)
  --help             this text

How is in the stack config: image, imageBuild (never counts as local here), imageBase, repo, branch. The files are those
of the branch as it is now. When the registry has an image of just these dependencies nothing is built.
`;

const OPTIONS = {
  check: { type: "boolean", default: false },
  stack: { type: "string", short: "s" },
  help: { type: "boolean", default: false },
} as const;

async function main(): Promise<number> {
  const { values } = parseArgs({ options: OPTIONS });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const asked = await askedBy(values.stack);
  if (!values.check) await endLeftBuilder(asked.builder, say);
  const { text, failures, pinned } = await planImage({}, asked);
  if (failures.length > 0)
    throw new Failure(1, failures.map(({ property, reason }) => `${property}: ${reason}`).join("\n"));
  say(text ?? "");
  if (pinned === undefined && !values.check) say(`to rent with: ${(await made(asked)).pinned}`);
  return 0;
}

/** The image that the stack's training would ask for now. */
async function askedBy(named: string | undefined): Promise<TrainingImageInputs> {
  const ofStack = async (...words: string[]) => {
    const which = named === undefined ? [] : ["--stack", named];
    return pulumi([...words, "--non-interactive", ...which], projectOf(process.cwd()), process.env);
  };
  const stack = (await ofStack("stack", "--show-name")).trim();
  const { config, problems } = readConfig(await configTexts(process.cwd(), process.env, named));
  const { value: head, problems: more } = await checkRepository(config, process.env);
  if (problems.length > 0 || head === undefined) throw problemsFailure([...problems, ...more]);
  const inputs = imageInputs(config as RunConfig, head);
  const { image } = inputs;
  if (image.includes("@")) throw new Failure(1, `image: ${image} is one image for ever; name it without a digest`);
  const { owner } = openStateDir();
  const project = "vast-training";
  // The same label each time, so that a later run finds what a killed one has left.
  const label = runLabel({ owner, project, stack, run: "image" }, sha256(`${project}/${stack}`).slice(0, 10));
  const imageBuild = inputs.imageBuild === "never" ? "local" : inputs.imageBuild;
  return { ...inputs, imageBuild, found: null, builder: { ...inputs.builder, label }, __urn: "" };
}

function problemsFailure(problems: readonly Problem[]): Failure {
  return new Failure(1, problems.map(problemLine).join("\n"));
}

/** Makes the image; ^C, a closed terminal and SIGTERM cancel that. */
async function made(asked: TrainingImageInputs): Promise<ImageState> {
  const end = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => end.abort());
  const engine = { signal: end.signal, alive: async () => !end.signal.aborted };
  return makeImage(asked, { show: throttled(say), say: async (text) => say(text), engine });
}

function say(text: string): void {
  process.stdout.write(`${hidden(text)}\n`);
}

main().then(
  (code) => process.exit(code),
  (error: Error) => {
    process.stderr.write(`${hidden(error.message)}\n`);
    process.exit(1);
  },
);
