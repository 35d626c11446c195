import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { type TrainStep, trainScript } from "../../../components/remote/scripts.ts";
import { type Box, endWatch, GUARD, openBox, TRAINING, until } from "./box.ts";
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
  powerOff(): Promise<void>;
  /** Resolves when the log has such a line. */
  logged(pattern: RegExp): Promise<string>;
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
    powerOff: async () => {
      endWatch(box.workspace);
      const pid = box.read(".vast-training/train.pid").split(" ")[0];
      // What nobody has reaped yet is dead all the same.
      const alive = `grep -lsE "^State:\\s[^ZX]" $(printf "/proc/%s/status " $(pgrep -g ${pid}))`;
      await box.run(`kill -KILL -- -${pid}; while pgrep -g ${pid} >/dev/null && ${alive}; do sleep 0.02; done`);
    },
    logged: async (pattern) => {
      await until(
        () => pattern.test(box.read("train.log")),
        () => `${pattern} in\n${box.read("train.log")}`,
      );
      return box.read("train.log");
    },
    watched: async (seconds) => {
      const used = () => Number(box.read(".vast-training/train.hours").split(/\s/)[1]);
      const enough = used() + seconds;
      await until(
        () => used() >= enough,
        () => "the guard does not look",
      );
    },
  };
}
