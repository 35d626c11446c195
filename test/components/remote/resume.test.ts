import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { newestText } from "../../../components/remote/resume.ts";
import { isAll } from "../../support/all.ts";
import { until } from "./box.ts";

/** Each with what make.py has saved by its own library: the newest of them and, where there is one, the one before. */
const LAYOUTS: { layout: string; saved: string; newest: string; before?: string }[] = [
  { layout: "checkpoint-N", saved: "transformers", newest: "checkpoint-2", before: "checkpoint-1" },
  { layout: "checkpoint-N", saved: "legacy", newest: "checkpoint-10.pth", before: "checkpoint-9.pth" },
  {
    layout: "checkpoint_N",
    saved: "accelerate",
    newest: "checkpoints/checkpoint_1",
    before: "checkpoints/checkpoint_0",
  },
  { layout: "*.ckpt", saved: "lightning", newest: "last.ckpt", before: "epoch=0-step=2.ckpt" },
  { layout: "step_N", saved: "files", newest: "step_10.pt", before: "step_9.pt" },
  { layout: "step_N", saved: "steps", newest: "step_10", before: "step_9" },
  { layout: "global_stepN", saved: "deepspeed", newest: "global_step2", before: "global_step1" },
  { layout: ".metadata", saved: "dcp", newest: "step-2", before: "step-1" },
  { layout: "ckpt.pt", saved: "nanogpt", newest: "ckpt.pt" },
  { layout: "epoch_N", saved: "torchtune", newest: "epoch_1", before: "epoch_0" },
];

/** Twentieths of a file at which it is cut off: some of them, or all in `npm run test:all`. */
const CUTS = isAll ? Array.from({ length: 20 }, (_, cut) => cut) : [0, 7, 13, 19];
const SAVED = join(import.meta.dirname, "layouts");
const LONG_AGO = 1_700_000_000;

/** What is asked of each folder, by one Python: that of the newest checkpoint from there, and what is said. */
function look(folders: readonly string[], pattern = ""): { path: string; said: string }[] {
  const each = "import sys\nscope = {'__name__': 'newest'}\nexec(sys.argv[1], scope)\n";
  const all = `${each}for folder in sys.argv[3:]: scope['main'](folder, sys.argv[2])`;
  const args = ["-I", "-c", all, newestText(), pattern, ...folders];
  const texts = execFileSync("python3", args, { encoding: "utf8", maxBuffer: 1e8 }).split("\0");
  return folders.map((folder, index) => ({
    path: (texts[2 * index] ?? "").replace(`${folder}/`, ""),
    said: (texts[2 * index + 1] ?? "").replaceAll(folder, "FOLDER"),
  }));
}

const lookAt = (folder: string, pattern = "") => look([folder], pattern)[0] ?? { path: "", said: "" };

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "resume-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Files below a path, itself when it is one. */
function filesOf(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { withFileTypes: true }).flatMap(({ name }) => filesOf(join(path, name)));
}

/** As if all of it had been saved long ago, `ago` seconds before. */
function age(path: string, ago: number): void {
  for (const file of filesOf(path)) utimesSync(file, LONG_AGO - ago, LONG_AGO - ago);
}

/** A copy of what a library has saved, the older one saved before the newer. */
function copyOf(folder: string, { saved, newest, before }: (typeof LAYOUTS)[number]): string {
  cpSync(join(SAVED, saved), folder, { recursive: true });
  age(folder, 100);
  if (before !== undefined) age(join(folder, before), 50);
  age(join(folder, newest), 20);
  if (saved === "torchtune") age(join(folder, "recipe_state"), 0);
  return folder;
}

/** Makes files; what ends with a slash is a folder, and a step_N of a known format would be looked into. */
function lay(folder: string, files: Readonly<Record<string, string | Buffer>>): string {
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    if (name.endsWith("/")) mkdirSync(path, { recursive: true });
    else {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, content);
      utimesSync(path, LONG_AGO, LONG_AGO);
    }
  }
  return folder;
}

const TORCH = readFileSync(join(SAVED, "steps/step_10/training_state.pt"));
const DCP = readFileSync(join(SAVED, "dcp/step-2/.metadata"));
const TENSORS = readFileSync(join(SAVED, "steps/step_10/adapter_model.safetensors"));

for (const row of LAYOUTS) {
  const { layout, saved, newest, before = "" } = row;

  test(`${layout} of ${saved}: the newest is found, cut off anywhere it is not, and the one before it is`, (t) => {
    const root = folderOf(t);
    const whole = copyOf(join(root, "whole"), row);
    const broken: string[] = [];
    for (const file of filesOf(join(whole, newest))) {
      const name = file.slice(whole.length + 1);
      const { size } = statSync(file);
      for (const cut of CUTS) {
        const folder = copyOf(join(root, `cut${broken.length}`), row);
        truncateSync(join(folder, name), Math.floor((cut * size) / 20));
        age(join(folder, newest), 20);
        broken.push(folder);
      }
      if (name.endsWith(".json")) continue;
      const one = copyOf(join(root, `cut${broken.length}`), row);
      truncateSync(join(one, name), size - 1);
      age(join(one, newest), 20);
      broken.push(one);
      // What transformers writes first, and no loader needs.
      if (name === newest || name.endsWith("training_args.bin")) continue;
      const without = copyOf(join(root, `cut${broken.length}`), row);
      rmSync(join(without, name));
      broken.push(without);
    }
    assert.equal(lookAt(whole).path, newest, lookAt(whole).said);
    for (const [index, { path, said }] of look(broken).entries()) {
      assert.equal(path, before, `${broken[index]}: ${said}`);
      assert.match(said, path === "" ? /^RESUME_FROM is unset: \d+ files? / : /\npassed over: /);
    }
  });

  test(`${layout} of ${saved}: a temporary of its name, in it or as it, is none`, (t) => {
    const root = folderOf(t);
    const folders = [".tmp", ".partial", ".tmp123", ".incomplete"].map((end, index) => {
      const folder = copyOf(join(root, `name${index}`), row);
      renameSync(join(folder, newest), join(folder, newest + end));
      return folder;
    });
    const prefixed = copyOf(join(root, "prefixed"), row);
    renameSync(join(prefixed, newest), join(prefixed, dirname(newest), `tmp-${basename(newest)}`));
    folders.push(prefixed);
    if (statSync(join(SAVED, saved, newest)).isDirectory()) {
      const inside = copyOf(join(root, "inside"), row);
      folders.push(lay(inside, { [`${newest}/model.safetensors.tmp`]: "x" }));
    }
    for (const { path, said } of look(folders)) assert.equal(path, before, said);
  });

  test(`${layout} of ${saved}: one that somebody writes to is none`, (t) => {
    const folder = copyOf(join(folderOf(t), "written"), row);
    const [first = ""] = filesOf(join(folder, newest));
    const open = openSync(first, "a");
    const { path, said } = lookAt(folder);
    closeSync(open);
    assert.equal(path, before, said);
    assert.match(said, new RegExp(`being written by .*\\(${process.pid}\\)`));
    assert.equal(lookAt(folder).path, newest);
  });
}

/** What a folder holds, what is found in it, and what is said of that. */
const FOLDERS: [why: string, files: Record<string, string | Buffer>, found: string, said?: RegExp][] = [
  ["nothing", {}, "", /^$/],
  ["by number, not by its digits", { step_9: "x", step_10: "x", step_5: "x" }, "step_10"],
  ["leading zeros", { step_08: "x", step_7: "x" }, "step_08"],
  ["no number, or another ending", { step_: "x", step_x: "x", "step_5.png": "x", my_step_6: "x" }, ""],
  ["an empty file and an empty folder", { step_9: "", "step_8/": "", "step_7.pt": "" }, "", /step_9 \(it is empty\)/],
  ["five levels down, and no further", { "a/b/c/d/step_7": "x", "a/b/c/d/e/step_9": "x" }, "a/b/c/d/step_7"],
  ["hidden folders are not looked into", { ".cache/step_7": "x" }, ""],
  ["what is within one is none", { "step_7/step_9.pt": TORCH, "step_7/x.tmp": "x" }, ""],
  ["a file after a folder", { "step_8/a.pt": TORCH, "step_9.pt": TORCH }, "step_9.pt"],
  [
    "torch DCP of any name",
    { "best/.metadata": DCP, "best/__0_0.distcp": "x" },
    "",
    /best \(__0_0.distcp is cut off\)/,
  ],
  ["a name with a newline", { "odd\nname/step_8": "x" }, "odd\nname/step_8", /odd\?name/],
  ["training_state of any ending", { "step_5/training_state.npy": "x" }, "step_5"],
  ["weights alone", { "step_5/model.safetensors": TENSORS }, "", /step_5 \(holds no state of training\)/],
  ["files of no known kind alone", { "step_5/readme.txt": "x" }, "", /holds no state of training/],
  [
    "transformers, cut short before its last file",
    { "checkpoint-5/training_args.bin": TORCH, "checkpoint-5/optimizer.pt": TORCH },
    "",
    /lacks trainer_state.json/,
  ],
  ["transformers, of another step", { "checkpoint-5/trainer_state.json": '{"global_step": 4}' }, "", /is of step 4/],
  [
    "case of a trainer_state beside weights",
    { "step_500/model.safetensors": TENSORS, "step_500/trainer_state.json": "{}" },
    "step_500",
  ],
  [
    "Accelerate, cut short before its last file",
    { "checkpoint_0/optimizer.bin": TORCH },
    "",
    /lacks random_states_0.pkl/,
  ],
  [
    "transformers by way of Accelerate",
    { "checkpoint-5/optimizer.bin": TORCH, "checkpoint-5/trainer_state.json": '{"global_step": 5}' },
    "checkpoint-5",
  ],
  [
    "an index that names more",
    {
      "step_5/training_state.pt": TORCH,
      "step_5/model.safetensors.index.json": '{"weight_map": {"a": "b.safetensors"}}',
    },
    "",
    /lacks b.safetensors/,
  ],
  [
    "two of three parts",
    {
      "epoch_5/state.pt": TORCH,
      "epoch_5/model-00001-of-00003.safetensors": TENSORS,
      "epoch_5/model-00002-of-00003.safetensors": TENSORS,
    },
    "",
    /lacks model-00003-of-00003/,
  ],
  [
    "a save cut short between two files",
    { "step_5/a.pt": TORCH, "step_5/b.pt": TORCH, "step_6/a.pt": TORCH },
    "step_5",
    /step_6 \(lacks b.pt, which step_5 has\)/,
  ],
  ["names with the step are the same", { "step_5/a_5.pt": TORCH, "step_6/a_6.pt": TORCH }, "step_6"],
  ["torch DCP without its last file", { "step-5/__0_0.distcp": TORCH }, "", /lacks \.metadata/],
  ["DeepSpeed without latest", { "global_step5/mp_rank_00_model_states.pt": TORCH }, "", /latest does not name it/],
  [
    "DeepSpeed whose latest is cut off",
    {
      latest: "global_st",
      "global_step5/mp_rank_00_model_states.pt": TORCH,
      "global_step6/mp_rank_00_model_states.pt": TORCH,
    },
    "global_step5",
  ],
  [
    "DeepSpeed lacks a rank",
    {
      latest: "global_step5",
      "global_step5/mp_rank_00_model_states.pt": TORCH,
      "global_step5/zero_pp_rank_1_mp_rank_00_optim_states.pt": TORCH,
    },
    "",
    /1 of 2 are there/,
  ],
  [
    "DeepSpeed within transformers",
    { "checkpoint-5/trainer_state.json": '{"global_step": 5}', "checkpoint-5/latest": "global_step5" },
    "",
    /names no folder/,
  ],
  [
    "what our own pull has marked",
    { "step_5/training_state.pt": TORCH, "step_5/INCOMPLETE.by-vast-run.txt": "x" },
    "",
    /temporary/,
  ],
  ["the end of a zip in its middle", { "step_5.pt": Buffer.concat([TORCH, Buffer.alloc(99)]) }, "", /cut off/],
  [
    "another kind under a known ending",
    { "step_5.pt": "x", "step_6.safetensors": "x", "step_7.npz": "x" },
    "",
    /cut off/,
  ],
];

test("what is whole, what is not, and why", (t) => {
  const root = folderOf(t);
  const folders = FOLDERS.map(([, files], index) => lay(join(root, `f${index}`), { "./": "", ...files }));
  for (const [index, { path, said }] of look(folders).entries()) {
    const [why = "", , found, words = /^/] = FOLDERS[index] ?? [];
    assert.equal(path, found, `${why}: ${said}`);
    assert.match(said, words, why);
  }
});

test("of several folders and layouts the one with the newest file counts", (t) => {
  const folder = lay(folderOf(t), { "old/step_900.pt": TORCH, "new/step_10.pt": TORCH, "new/ckpt.pt": TORCH });
  assert.equal(lookAt(join(folder, "nowhere")).said, "");
  age(join(folder, "old"), 100);
  age(join(folder, "new/ckpt.pt"), 50);
  assert.equal(lookAt(folder).path, "new/step_10.pt");
  age(join(folder, "new/ckpt.pt"), -50);
  assert.equal(lookAt(folder).path, "new/ckpt.pt");
});

test("links are followed, round a circle too, and what is no file is none", (t) => {
  const root = folderOf(t);
  lay(root, { "disk/step_5/training_state.pt": TORCH, "here/": "", "file/": "" });
  symlinkSync(join(root, "disk"), join(root, "here/run1"));
  symlinkSync(join(root, "here"), join(root, "disk/step_5/circle"));
  symlinkSync("nowhere", join(root, "here/step_9"));
  execFileSync("mkfifo", [join(root, "here/step_10"), join(root, "disk/step_5/pipe")]);
  assert.equal(lookAt(join(root, "here")).path, "run1/step_5", lookAt(join(root, "here")).said);
  symlinkSync("here", join(root, "itself"));
  assert.equal(lookAt(join(root, "itself")).path, "run1/step_5");
});

test("a torch DCP of any name is found", (t) => {
  const folder = folderOf(t);
  for (const [step, ago] of [
    ["step-1", 9],
    ["step-2", 50],
  ] as const) {
    const named = join(folder, `run/at ${step.slice(5)}`);
    cpSync(join(SAVED, "dcp", step), named, { recursive: true });
    age(named, ago);
  }
  assert.equal(lookAt(folder).path, "run/at 1");
  rmSync(join(folder, "run/at 1/.metadata"));
  assert.equal(lookAt(folder).path, "run/at 2");
});

test("nothing that a pickle names is run", (t) => {
  const folder = folderOf(t);
  const pickle = `cposix\nsystem\n(S'touch ${folder}/run'\ntR.`;
  lay(folder, { "step_5/.metadata": pickle, "step_5/__0_0.distcp": "x", "step_6.pkl": pickle });
  assert.equal(lookAt(folder).path, "step_6.pkl");
  assert.ok(!readdirSync(folder).includes("run"));
});

test("what was changed a moment ago is looked at again", async (t) => {
  const folder = lay(folderOf(t), { step_5: "x", step_6: "x" });
  const grow = `while :; do echo x >>"${folder}/step_6"; sleep 0.2; done`;
  const writer = spawn("bash", ["-c", grow], { stdio: "ignore" });
  await until(
    () => statSync(join(folder, "step_6")).size > 1,
    () => "nobody writes",
  );
  const { path, said } = lookAt(folder);
  writer.kill();
  await once(writer, "exit");
  assert.equal(path, "step_5", said);
  assert.match(said, /step_6 \(is being written\)/);
  assert.equal(lookAt(folder).path, "step_6", "once it is quiet");
});

test("a glob of one's own takes the newest whole match, weights alone too", (t) => {
  const folder = lay(folderOf(t), { "a/net_1.safetensors": TENSORS, "b/net_2.safetensors": TENSORS, step_9: "x" });
  lay(folder, { "c/net_3.safetensors": TENSORS.subarray(0, 50), "[d]/net": "x" });
  age(join(folder, "a"), 10);
  age(join(folder, "c"), -10);
  const { path, said } = lookAt(folder, "*/net_*");
  assert.equal(path, "b/net_2.safetensors");
  assert.match(said, /passed over: c\/net_3.safetensors \(it is cut off\)/);
  assert.equal(lookAt(folder, "**/net").path, "[d]/net");
  assert.match(lookAt(folder, "nothing*").said, /^RESUME_FROM is unset: 5 files/);
});

test("what is called like a checkpoint of any trainer is named with what is wrong with it", (t) => {
  const names = ["checkpoint-500/trainer_state.json", "epoch=3-step=500.ckpt", "last.ckpt", "ckpt.pt"];
  names.push("step_500/.metadata", "step-500/model.safetensors", "global_step500/latest", "epoch_1/x", "step_500.pt");
  const root = folderOf(t);
  const folders = names.map((name, index) => lay(join(root, `${index}`), { [name]: "x" }));
  for (const [index, { path, said }] of look(folders).entries()) {
    const name = names[index]?.split("/")[0] ?? "";
    assert.equal(path, "");
    assert.ok(said.startsWith("RESUME_FROM is unset: 1 file is in FOLDER, ") && said.includes(`: ${name} (`), said);
  }
});

test("files of which none is a checkpoint are named, each once, and not all of many", (t) => {
  const names = ["model-final.pt", "run/events.out", "a.log", "b.log", "c.log", "d.log", "e.log"];
  const files = Object.fromEntries([...names, "step_5.pt"].map((name) => [name, "x"]));
  const { path, said } = lookAt(lay(folderOf(t), files));
  assert.equal(path, "");
  assert.match(
    said,
    /^RESUME_FROM is unset: 8 files are in FOLDER, and none .*: step_5.pt \(it is cut off\), a.log, b.log, c.log, d.log, and 3 more\n/,
  );
  assert.match(said, /resumeFrom in the stack config/);
});

test("README.md has the layouts that are looked for", () => {
  const readme = readFileSync(join(import.meta.dirname, "../../../README.md"), "utf8");
  const listed = [...readme.matchAll(/^ {2}\| `([^`]+)` \| [^|]+ \|[^|]+\|$/gm)].map(([, name]) => name);
  const known = [...newestText().matchAll(/^ {4}\("(\S+)", r"/gm)].map(([, name]) => name);
  assert.deepEqual(listed, [...known, ".metadata"]);
  assert.deepEqual([...new Set(LAYOUTS.map(({ layout }) => layout))].sort(), [...listed].sort());
});
