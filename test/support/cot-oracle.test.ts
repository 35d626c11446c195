import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { parse } from "yaml";
import { layOut } from "./cot-oracle.ts";

interface Place {
  readonly code: string;
  readonly reference: string;
  readonly env: NodeJS.ProcessEnv;
}

/** The code as it is after a start's links, with the wheels as if they were installed. */
function openPlace(t: TestContext, transformers: string): Place {
  const root = mkdtempSync(join(tmpdir(), "stand-in-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const [code, reference] = [join(root, "code"), join(root, "ao_reference")];
  mkdirSync(code);
  mkdirSync(join(reference, "datasets"), { recursive: true });
  layOut(code, transformers);
  writeFileSync(join(code, "configs/train.yaml"), "steps: 2\nstep_seconds: 0\nsave_every: 1\n");
  rmSync(join(code, "datasets"));
  symlinkSync(join(reference, "datasets"), join(code, "datasets"));
  const wheels = readdirSync(join(code, "vendor")).map((name) => join(code, "vendor", name));
  const env = { PATH: process.env.PATH, PYTHONPATH: wheels.join(":"), AO_REPO_PATH: reference, HF_TOKEN: "x" };
  return { code, reference, env };
}

function train({ code, env }: Place, more: NodeJS.ProcessEnv = {}, ...words: string[]) {
  const line = "-m torch.run --nproc_per_node=1 --master_port=29500 src/train.py --config configs/train.yaml";
  const rest = "--precomputed-dir data/precomputed --save-dir saved --wandb-run name --wandb-group jan";
  const all = [...line.split(" "), ...rest.split(" "), ...words];
  return spawnSync("python3", all, { cwd: code, env: { ...env, ...more }, encoding: "utf8" });
}

test("the stand-in trains, saves, and goes on only from where it is told to", (t) => {
  const place = openPlace(t, "4.57.6");
  const first = train(place);
  assert.match(first.stdout, /from step 0\nstep 1 loss.*\nsaved saved\/step_1\nstep 2/s, first.stderr);
  assert.match(train(place).stdout, /from step 0\n/);
  assert.match(train(place, {}, "--resume-from", "saved/step_1").stdout, /from step 1\nstep 2/);
});

const without: [what: string, spoil: (place: Place) => NodeJS.ProcessEnv, says: RegExp][] = [
  ["AO_REPO_PATH", () => ({ AO_REPO_PATH: undefined }), /KeyError: 'AO_REPO_PATH'/],
  ["what AO_REPO_PATH names", () => ({ AO_REPO_PATH: "/nowhere" }), /ModuleNotFoundError: nothing .* \/nowhere/],
  [
    "where datasets leads to",
    ({ reference }) => {
      rmSync(join(reference, "datasets"), { recursive: true });
      return {};
    },
    /ModuleNotFoundError: No module named 'datasets'/,
  ],
  ["HF_TOKEN", () => ({ HF_TOKEN: undefined }), /401 .*HF_TOKEN is not set/],
];

for (const [what, spoil, says] of without) {
  test(`without ${what} it fails where the trainer would`, (t) => {
    const place = openPlace(t, "4.57.6");
    const { status, stderr } = train(place, spoil(place));
    assert.notEqual(status, 0);
    assert.match(stderr, says);
  });
}

test("with transformers from 5 on it fails, which the preflight of the stack dev says before, and no other version does", (t) => {
  const { config } = parse(readFileSync("Pulumi.dev.yaml", "utf8")) as { config: Record<string, string[]> };
  const [check = ""] = config["vast-training:preflight"] ?? [];
  const verdict = ({ env }: Place) =>
    spawnSync("sh", ["-c", check.replace(/^python /, "python3 ")], { env, encoding: "utf8" });
  assert.equal(verdict(openPlace(t, "4.57.6")).status, 0);
  const newest = openPlace(t, "5.0.0rc1");
  assert.match(train(newest).stderr, /AttributeError: transformers 5\.0\.0rc1/);
  assert.equal(
    verdict(newest).stderr.trim(),
    "transformers 5.0.0rc1 is installed, and training needs one below 5: lock it in uv.lock",
  );
  const bare = { ...newest, env: { PATH: process.env.PATH } };
  assert.match(verdict(bare).stderr, /No package metadata was found for transformers/);
});
