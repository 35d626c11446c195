import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parse } from "yaml";
import { configKeys, readConfig } from "../../../components/config/config.ts";
import { problemLine } from "../../../components/lib/problem.ts";

const readValue = (key: string, text: string) => {
  const { config, problems } = readConfig({ [key]: text });
  assert.deepEqual(problems, [], text);
  return config[key as keyof typeof config];
};

const problemOf = (key: string, text: string) => {
  const { problems } = readConfig({ [key]: text });
  assert.deepEqual(
    problems.map((problem) => problem.key),
    [key],
    `${key}=${text} should be refused`,
  );
  return problems.map(problemLine)[0] ?? "";
};

test("Pulumi.yaml declares exactly the keys of the schema, with the same defaults and descriptions", () => {
  const declared = parse(readFileSync("Pulumi.yaml", "utf8")).config as Record<string, { default: unknown }>;
  const asText = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value));
  const entries = Object.entries(declared).map(([key, entry]) => ({ key, ...entry, default: asText(entry.default) }));
  assert.deepEqual(entries, configKeys());
});

test("the stack files set known keys only, to values that can be read", () => {
  for (const file of ["Pulumi.dev.yaml", "Pulumi.local.yaml", "Pulumi.rsync.yaml"]) {
    const { config } = parse(readFileSync(file, "utf8")) as { config: Record<string, unknown> };
    const raw = Object.entries(config).map(([key, value]) => [
      key.replace("vast-training:", ""),
      typeof value === "string" ? value : JSON.stringify(value),
    ]);
    assert.deepEqual(readConfig(Object.fromEntries(raw)).problems, [], file);
  }
});

test("without any value every field has its default", () => {
  const { config, problems } = readConfig({});
  assert.deepEqual(problems, []);
  assert.deepEqual(
    Object.keys(config).sort(),
    configKeys()
      .map(({ key }) => key)
      .sort(),
  );
  assert.ok(Object.values(config).every((value) => value !== undefined));
  assert.equal(config.gpu, "H100 SXM");
  assert.equal(config.maxPricePerHour, 3.5);
  assert.deepEqual(config.readyTimeoutMinutes, { machine: 30, total: 60 });
  assert.deepEqual(config.env, {});
  assert.match(config.trainCommand ?? "", /^torchrun .*RESUME_FROM/);
});

test("an empty value means the default", () => {
  const empty = Object.fromEntries(configKeys().map(({ key }) => [key, " "]));
  assert.deepEqual(readConfig(empty), readConfig({}));
});

test("the price cap scales with the GPUs unless it is set", () => {
  assert.equal(readConfig({ gpus: "4" }).config.maxPricePerHour, 14);
  assert.equal(readConfig({ gpus: "4", maxPricePerHour: "9.5" }).config.maxPricePerHour, 9.5);
});

const readable: [string, string, unknown][] = [
  ["gpu", "h100_sxm", "H100 SXM"],
  ["gpu", "rtx4090", "RTX 4090"],
  ["gpu", "Quantum 9", "Quantum 9"],
  ["gpus", "8", 8],
  ["rental", "On_Demand", "on-demand"],
  ["maxPricePerHour", "$2.50/h", 2.5],
  ["verified", "No", false],
  ["afterTraining", "Keep", "keep"],
  ["afterTrainingMinutes", "0.5", 0.5],
  ["maxHours", "100", 100],
  ["leaseHours", "", null],
  ["leaseHours", "49", 49],
  ["rescueBudget", "$2.50", 2.5],
  ["rescueBudget", "0", 0],
  ["keepPrevious", "0", 0],
  ["keepPrevious", "3", 3],
  ["bring", "[]", []],
  ["bring", "results/**/*.csv, /workspace/plots", ["results/**/*.csv", "/workspace/plots"]],
  ["bring", "a b/.hydra/*.yaml", ["a b/.hydra/*.yaml"]],
  ["bringMaxMb", "0", 0],
  ["readyTimeoutMinutes", "20", { machine: 20, total: 40 }],
  ["readyTimeoutMinutes", "5 / 7", { machine: 5, total: 7 }],
  [
    "image",
    "ghcr.io/me/trainer:v1@sha256:".concat("a".repeat(64)),
    "ghcr.io/me/trainer:v1@sha256:".concat("a".repeat(64)),
  ],
  ["repo", "simulator:tiny-train", "simulator:tiny-train"],
  ...[
    "feature/größe",
    "exp=1",
    "feat!",
    "user's",
    "a(b)",
    "feat&x",
    "100%",
    "#3-fix",
    "exp+lr@3e-4",
    "a,b",
    "$(x)",
  ].map((name): [string, string, string] => ["branch", name, name]),
  ...[
    "https://dev.azure.com/org/My%20Project/_git/repo",
    "work:me/repo.git",
    "work:/srv/repo.git",
    "git@host:~me/it",
    "ssh://work/me/it",
    "https://git.example/~me/a+b@c/(it)",
  ].map((url): [string, string, string] => ["repo", url, url]),
  ["commit", "a".repeat(40), "a".repeat(40)],
  ["commit", "", ""],
  ["branch", "feature/a-b.c", "feature/a-b.c"],
  ["require", '["A","B"]', ["A", "B"]],
  ["require", "A, B", ["A", "B"]],
  ["require", "[A,'B']", ["A", "B"]],
  ["forward", "[]", []],
  ["env", '{"A":1,"B":true,"C":"x=y"}', { A: "1", B: "true", C: "x=y" }],
  ["env", "A=1,B=x=y", { A: "1", B: "x=y" }],
  ["links", '{"/data/a":"a/b"}', { "/data/a": "a/b" }],
  ["links", "/data/a=a, /data/b=c", { "/data/a": "a", "/data/b": "c" }],
  ["setup", '["echo a, b"]', ["echo a, b"]],
  ["preflight", "echo a, b", ["echo a, b"]],
];

test("values are forgiving in their spelling", () => {
  for (const [key, text, value] of readable) assert.deepEqual(readValue(key, text), value, `${key}=${text}`);
});

const refused: [string, string, RegExp][] = [
  ["gpus", "three", /gpus: found "three"; write a whole number of GPUs from 1 to 64/],
  ["gpus", "0", /from 1 to 64/],
  ["gpus", "1.5", /whole number/],
  ["rental", "spot", /interruptible or on-demand/],
  ["maxPricePerHour", "free", /dollars/],
  ["minReliability", "95", /from 0 to 1/],
  ["verified", "perhaps", /true or false/],
  ["afterTraining", "destroy", /stop or keep/],
  ["afterTrainingMinutes", "soon", /minutes from 0/],
  ["maxHours", "0", /hours from 0\.001/],
  ["leaseHours", "1", /hours from 2 to 143/],
  ["leaseHours", "144", /hours from 2 to 143/],
  ["rescueBudget", "-1", /dollars from 0 to 1000/],
  ["readyTimeoutMinutes", "60/30", /30\/60/],
  ["image", "two words", /Docker image/],
  ["repo", "git@github.com:-oProxyCommand=x", /one of ssh/],
  ...["ext::sh -c x", "ext::sh", "a:-x", "a:b c", "https://h/a b", "-x:y", "https://h/x?y", "file:///x", "a:b\\c"].map(
    (url): [string, string, RegExp] => ["repo", url, /one of ssh/],
  ),
  ["commit", "abc1234", /whole id/],
  ["commit", "1.2345678901234568e+39", /in quotes/],
  ["repo", "https://me:token@github.com/me/it", /without user name or token/],
  ["branch", "-x", /branch/],
  ["branch", "a..b", /branch/],
  ["branch", "a b", /branch/],
  ["checkpointsDir", "checkpoints", /absolute path/],
  ["checkpointsDir", "/workspace/../etc", /absolute path/],
  ["checkpointsDir", "/", /absolute path/],
  ["bring", "/etc/passwd", /globs below the repository.s folder/],
  ["bring", "/workspace", /globs below the repository.s folder/],
  ["bring", "~/.netrc", /globs below the repository.s folder/],
  ["bring", "../x", /globs below the repository.s folder/],
  ["bring", "/workspace/../root/.ssh/id", /globs below the repository.s folder/],
  ["bring", "/workspace/.env", /globs below the repository.s folder/],
  ["bring", "x/.ENV", /globs below the repository.s folder/],
  ["bring", "x/.env.local", /globs below the repository.s folder/],
  ["bring", ".e*", /globs below the repository.s folder/],
  ["bring", "x/.[e]nv", /globs below the repository.s folder/],
  ["bring", ".ssh/id_ed25519", /globs below the repository.s folder/],
  ["bring", "x/.git/config", /globs below the repository.s folder/],
  ["bring", "/workspace/.vast-training/x", /globs below the repository.s folder/],
  ["bring", "a//b", /globs below the repository.s folder/],
  ["bring", "a/", /globs below the repository.s folder/],
  ["bring", "a\\b", /globs below the repository.s folder/],
  ["resumeFrom", "/workspace/step_5", /a glob below checkpointsDir/],
  ["resumeFrom", "runs/../../x", /a glob below checkpointsDir/],
  ["resumeFrom", "$HOME/x", /or \$\(command\)/],
  ["require", "[A,B C]", /names of environment variables/],
  ["env", '["A"]', /environment variables/],
  ["env", '{"A":{"B":1}}', /environment variables/],
  ["env", '{"NUM_GPUS":"3"}', /leave NUM_GPUS out/],
  ["env", '{"A B":"3"}', /environment variables/],
  ["links", '["/data"]', /a path on the machine/],
  ["links", '{"data":"data"}', /a path on the machine/],
  ["links", '{"/data":"/data"}', /a path on the machine/],
  ["links", '{"/data":"../data"}', /a path on the machine/],
  ["links", '{"/data":".git/hooks"}', /a path on the machine/],
  ["links", '{"/data/..":"data"}', /a path on the machine/],
  ["links", '{"/a":"data","/b":"data"}', /let data lead to one path only/],
  ["setup", '[" "]', /shell commands/],
  ["preflight", '[{"a":1}]', /shell commands/],
];

test("a value that cannot be used is refused with what to write instead", () => {
  for (const [key, text, message] of refused) assert.match(problemOf(key, text), message, `${key}=${text}`);
});

test("an unknown key is refused with the nearest known one", () => {
  const nearest = {
    maxprice: "maxPricePerHour",
    gpuz: "gpu",
    gpuss: "gpus",
    wandb: "wandbProject",
    forwards: "forward",
    disk_gb: "diskGb",
    brnach: "branch",
  };
  for (const [key, known] of Object.entries(nearest))
    assert.match(problemOf(key, "x"), new RegExp(`did you mean ${known}\\?`));
});

test("all problems are found at once, and what can be read is still there", () => {
  const { config, problems } = readConfig({ gpus: "three", nope: "1", branch: "-x", image: "a/b" });
  assert.deepEqual(problems.map(({ key }) => key).sort(), ["branch", "gpus", "nope"]);
  assert.equal(config.image, "a/b");
  assert.equal(config.gpus, undefined);
  assert.equal(config.maxPricePerHour, undefined, "it depends on gpus");
});
