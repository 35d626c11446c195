import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { type TrainStep, trainScript } from "../../../components/remote/scripts.ts";
import { type Box, endAll, GUARD, openBox, TRAINING, until } from "./box.ts";
import { openVast, type TinyVast } from "./vast.ts";

/** What opens the machine at Vast. */
export const KEY = "canary0123456789";
/** A training that saves when it is asked to end. */
// biome-ignore lint/suspicious/noTemplateCurlyInString: a shell's
export const LOOP = 'trap "echo saved; exit 0" TERM; echo "from ${RESUME_FROM-none}"; while :; do sleep 0.05; done';

export interface Scene {
  readonly box: Box;
  readonly vast: TinyVast;
  readonly step: TrainStep;
  /** Runs the training step with other values, after a line of shell. */
  train(more?: Partial<TrainStep>, before?: string): ReturnType<Box["run"]>;
  /** What onstart runs. */
  boot(): ReturnType<Box["run"]>;
  /** As when the machine stops: everything dies at once. */
  powerOff(): void;
  /** Resolves when the log has all of these, in whichever order; answers with the log. */
  logged(...patterns: RegExp[]): Promise<string>;
  /** Resolves when the guard has looked on for so many seconds more. */
  watched(seconds: number): Promise<void>;
}

/** A machine with a Vast of its own that looks ten times a second. */
export async function openScene(
  t: TestContext,
  answers: [number, string][] = [],
  more: Partial<TrainStep> = {},
  disk?: string,
): Promise<Scene> {
  const box = openBox(t, disk);
  const vast = await openVast(t, ...answers);
  mkdirSync(join(box.workspace, "repo"));
  const firstProcess = join(box.root, "environ");
  box.write(firstProcess, `CONTAINER_ID=77\0CONTAINER_API_KEY=${KEY}\0`);
  const step: TrainStep = {
    ...GUARD,
    ...TRAINING,
    apiUrl: vast.url,
    workspace: box.workspace,
    firstProcess,
    repo: "https://example.org/me/repo",
    checkpointsDir: join(box.workspace, "checkpoints"),
    command: LOOP,
    afterTrainingMinutes: 0,
    tickSeconds: 0.1,
    ...more,
  };
  const keep = join(box.workspace, ".vast-training");
  return {
    box,
    vast,
    step,
    train: (changes = {}, before = "") => box.run(`${before}\n${trainScript({ ...step, ...changes })}`),
    boot: () => box.run(`env -i bash ${keep}/train.sh boot`),
    powerOff: () => endAll(box.root),
    logged: async (...patterns) => {
      const missing = () => patterns.filter((pattern) => !pattern.test(box.read("train.log")));
      await until(
        () => missing().length === 0,
        () => `${missing().join(" and ")} in\n${box.read("train.log")}`,
      );
      return box.read("train.log");
    },
    watched: async (seconds) => {
      // NaN until the guard looks for the first time
      const used = () => Number(box.read(".vast-training/train.hours").split(/\s/)[1]);
      const says = () => `the guard does not look: ${used()} s`;
      await until(() => used() >= 0, says);
      const enough = used() + seconds;
      await until(() => used() >= enough, says);
    },
  };
}
