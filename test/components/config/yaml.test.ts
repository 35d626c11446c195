import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "yaml";
import { isSameValue } from "../../../components/config/config.ts";
import { changedByYaml, yamlText } from "../../../components/config/yaml.ts";
import { problemLine } from "../../../components/lib/problem.ts";

/** As written, and as Pulumi hands it on (seen with its CLI, 3.259). */
const CHANGED: [string, string, string, string][] = [
  ["branch", "1.10", "1.1", 'YAML made 1.1 of 1.10; quote it: "1.10"'],
  ["branch", "0123", "83", 'YAML made 83 of 0123; quote it: "0123"'],
  ["branch", "1e3", "1000", 'YAML made 1000 of 1e3; quote it: "1e3"'],
  ["branch", "0x10", "16", "YAML made 16 of 0x10"],
  ["branch", "1_000", "1000", "YAML made 1000 of 1_000"],
  ["branch", ".5", "0.5", "YAML made 0.5 of .5"],
  ["branch", "+5", "5", "YAML made 5 of +5"],
  ["run", "2024-01-01", "2024-01-01 00:00:00 +0000 UTC", "of 2024-01-01;"],
  ["run", "1.", "1", "of 1.;"],
  ["run", "True", "true", "of True;"],
  ["commit", "1".repeat(40), "1.1111111111111112e+39", "of 1111"],
  ["gpus", "010", "8", 'quote it: "010"'],
  ["env", "{VERSION: 1.10}", '{"VERSION":1.1}', "YAML made 1.1 of 1.10"],
  ["env", "\n    A: x\n    B: 0123", '{"A":"x","B":83}', "YAML made 83 of 0123"],
  ["exclude", "[a, 1e3]", '["a",1000]', "YAML made 1000 of 1e3"],
  ["extraRepos", `[{commit: ${"2".repeat(40)}}]`, '[{"commit":2.2222222222222222e+39}]', "of 2222"],
];
const KEPT: [string, string, string][] = [
  ["branch", '"1.10"', "1.10"],
  ["branch", "'0123'", "0123"],
  ["branch", "main", "main"],
  ["branch", "main", "other"],
  ["branch", "yes", "yes"],
  ["branch", "12:30:45", "12:30:45"],
  ["run", "2", "2"],
  ["maxPricePerHour", "3.50", "3.5"],
  ["diskGb", "200", "200"],
  ["maxHours", "1_0", "10"],
  ["verified", "True", "true"],
  ["env", '{A: "1.10", B: 2, C: true, D: x}', '{"A":"1.10","B":2,"C":true,"D":"x"}'],
  ["exclude", "[a, b]", '["a","b"]'],
  ["run", "", ""],
];

const problems = (key: string, written: string, arrived: string) =>
  changedByYaml(`config:\n  p:${key}: ${written}\n`, "p", { [key]: arrived }, isSameValue).map(problemLine);

test("what YAML has changed on its way is told, with what to write", () => {
  for (const [key, written, arrived, says] of CHANGED) {
    const [said = "", ...more] = problems(key, written, arrived);
    assert.ok(said.startsWith(`${key}: `) && said.includes(says) && more.length === 0, `${key}: ${written}: ${said}`);
  }
  for (const [key, written, arrived] of KEPT)
    assert.deepEqual(problems(key, written, arrived), [], `${key}: ${written}`);
  for (const file of ["", "config:\n", "config: x\n", "a: [", "- x\n"]) {
    assert.deepEqual(changedByYaml(file, "p", { branch: "1.1" }, isSameValue), [], file);
  }
});

test("a suggested text is itself when it is pasted", () => {
  for (const text of [
    "main",
    "1.10",
    "#3-fix",
    "user's",
    "a: b",
    "yes",
    "null",
    "a #b",
    "100%",
    "größe",
    "@x",
    "*a",
    "-",
    "a:",
  ]) {
    assert.equal(parse(`branch: ${yamlText(text)}`).branch, text);
  }
});
