import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const standIns = join(import.meta.dirname, "trainers");
const layouts = join(import.meta.dirname, "../components/remote/layouts");

/** A repository of one kind of trainer: what stands in it for what, and what that lays out instead of training. */
export interface Trainer {
  /** Of trainers/, by their place in the repository. */
  readonly files: Readonly<Record<string, string>>;
  /** Files that only have to be there. */
  readonly empty?: readonly string[];
  /** What its library has saved: of layouts/, by place in the folder that it is told. */
  readonly saved?: Readonly<Record<string, string>>;
  /** The newest of that, below the checkpoints. */
  readonly newest?: string;
}

/** By the section of docs/your-repository.md. */
export const TRAINERS: Readonly<Record<string, Trainer>> = {
  transformers: {
    files: { "train.py": "transformers.py" },
    saved: { ".": "transformers" },
    newest: "checkpoint-2",
  },
  TRL: {
    files: { "sft.py": "transformers.py" },
    saved: { ".": "transformers" },
    newest: "checkpoint-2",
  },
  Lightning: {
    files: { "main.py": "lightning.py" },
    empty: ["config.yaml"],
    saved: { ".": "lightning" },
    newest: "lightning_logs/version_0/checkpoints/last.ckpt",
  },
  torchtune: {
    files: {},
    empty: ["configs/full.yaml"],
    saved: { ".": "torchtune" },
    newest: "epoch_1",
  },
  nanoGPT: {
    files: { "train.py": "nanogpt.py", "data/shakespeare_char/prepare.py": "prepare.py" },
    empty: ["config/train_shakespeare_char.py"],
    saved: { ".": "nanogpt" },
    newest: "ckpt.pt",
  },
  DeepSpeed: {
    files: { "train.py": "deepspeed.py", "saved/zero_to_fp32.py": "prepare.py" },
    empty: ["ds_config.json"],
    saved: { ".": "deepspeed" },
    newest: "global_step2",
  },
  "A script of your own": { files: { "torch.py": "torch.py" } },
  "Names of your own": {
    files: { "train.py": "named.py" },
    saved: { "model_0009.pt": "files/step_9.pt", "model_0010.pt": "files/step_10.pt" },
    newest: "run-1/model_0010.pt",
  },
};

const LAUNCHERS = ["torchrun", "accelerate", "deepspeed", "tune", "pip"];

/** In the repository's folder: puts the stand-ins for launchers on PATH. */
export const INSTALL = "install -m 755 stand-ins/* /usr/local/bin";

/** Writes the files of a repository; `script` = its train.py as the page has it. */
export function layOut(tree: string, { files, empty = [], saved = {} }: Trainer, script?: string): void {
  const put = (from: string, to: string) => cpSync(from, join(tree, to), { recursive: true });
  const write = (to: string, text: string) => {
    mkdirSync(dirname(join(tree, to)), { recursive: true });
    writeFileSync(join(tree, to), text);
  };
  for (const name of LAUNCHERS) put(join(standIns, "launch.py"), `stand-ins/${name}`);
  put(join(standIns, "saved.py"), "saved.py");
  for (const [to, from] of Object.entries(saved)) put(join(layouts, from), join("saved", to));
  for (const [to, from] of Object.entries(files)) put(join(standIns, from), to);
  for (const to of empty) write(to, "");
  if (script !== undefined) write("train.py", script);
}
