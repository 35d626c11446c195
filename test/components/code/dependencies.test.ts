import assert from "node:assert/strict";
import { test } from "node:test";
import { type DependencyWish, planDependencies } from "../../../components/code/dependencies.ts";
import { projectIn } from "../../../components/code/git/project.ts";
import { problemLine } from "../../../components/lib/problem.ts";

const PROJECT = '[project]\nname = "x"\n[project.optional-dependencies]\ncpu = []\ncu124 = []\n';
const LOCK = 'version = 1\n[[package]]\nname = "a"\n[[package]]\nname = "b"\n';

function planOf(texts: Record<string, string>, wish: Partial<DependencyWish> = {}) {
  const whole = { dependencies: "auto", extras: [], groups: [], credentials: [], ...wish };
  const { dependencies, line, problems } = planDependencies(projectIn(texts), whole);
  return { ...dependencies, line, problems: problems.map(problemLine) };
}

test("the first of uv.lock, a project and requirements.txt is installed, and said in one line", () => {
  const all = { "pyproject.toml": PROJECT, "uv.lock": LOCK, "requirements.txt": "six", "poetry.lock": "" };
  const locked = planOf(all);
  assert.deepEqual([locked.command, locked.ownPython], ["uv sync --frozen", false]);
  assert.match(
    locked.line,
    /^dependencies: uv\.lock, 2 packages; uv \d+\.\d+\.\d+, unless the image has one; requirements/,
  );
  assert.match(locked.line, /poetry\.lock is not used \(in setup: .*poetry install\)$/);
  assert.equal(planOf({ "pyproject.toml": PROJECT, "requirements.txt": "six" }).command, "uv sync");
  const listed = planOf({ "pyproject.toml": "[tool.ruff]", "requirements.txt": "six" });
  assert.match(listed.command, /uv pip install --python "\$python" .*-r requirements\.txt$/);
  assert.ok(listed.ownPython);
  assert.match(
    listed.line,
    /^dependencies: requirements\.txt, into the image's Python; uv [\d.]+, unless the image has one$/,
  );
});

test("a file that only configures tools installs nothing, and what nobody installs is named with what to write", () => {
  const plain = planOf({});
  assert.deepEqual([plain.command, plain.ownPython, plain.problems], ["", true, []]);
  assert.equal(plain.line, "dependencies: nothing is installed, training has what the image has");
  const left: [name: string, setup: RegExp][] = [
    ["environment.yml", /conda env update -n base -f environment\.yml/],
    ["poetry.lock", /poetry install/],
    ["pixi.lock", /pixi install/],
    ["pdm.lock", /pdm install/],
    ["Pipfile", /pipenv install/],
    ["pylock.toml", /-r pylock\.toml/],
    ["setup.py", /pip install -e \./],
  ];
  for (const [name, setup] of left) {
    const { command, line } = planOf({ "pyproject.toml": "[tool.poetry]", [name]: "" });
    assert.equal(command, "", name);
    assert.match(line, /nothing is installed \(pyproject\.toml describes no project\)/);
    assert.ok(line.includes(`; ${name} is not used`) && setup.test(line), line);
  }
  assert.equal(planOf({ "uv.lock": LOCK }).command, "", "a lock file without its project");
});

test("extras and groups are chosen by name, and one that is not there is told before anything is rented", () => {
  const files = { "pyproject.toml": PROJECT, "uv.lock": LOCK };
  const chosen = planOf(files, { extras: ["cu124"], groups: ["train"] });
  assert.equal(chosen.command, "uv sync --frozen --extra cu124 --group train");
  assert.match(chosen.line, /2 packages, --extra cu124 --group train; uv/);
  assert.deepEqual(planOf(files, { extras: ["cu126"] }).problems, [
    "extras: pyproject.toml has no cu126; did you mean cu124?",
  ]);
  assert.deepEqual(
    planOf({ "pyproject.toml": "[project]\noptional-dependencies = { a = [] }" }, { extras: ["b"] }).problems,
    [],
  );
  assert.equal(planOf({ "requirements.txt": "six" }, { extras: ["a"] }).problems.length, 1);
  assert.equal(planOf(files, { dependencies: "make env", groups: ["a"] }).problems.length, 1);
});

test("none installs nothing, and any other text is the command", () => {
  const files = { "pyproject.toml": PROJECT, "uv.lock": LOCK, "uv.toml": 'required-version = ">=0.14"' };
  assert.equal(planOf(files, { dependencies: "none" }).command, "");
  const own = planOf(files, { dependencies: "uv sync --frozen --no-dev" });
  assert.deepEqual([own.command, own.uv], ["uv sync --frozen --no-dev", ">=0.14"]);
  assert.match(own.line, /^dependencies: uv sync --frozen --no-dev; uv >=0\.14, as the code asks$/);
});

test("what comes by ssh is told, unless the machine gets a token for it", () => {
  const files = { "pyproject.toml": PROJECT, "uv.lock": `${LOCK}source = { git = "ssh://git@github.com/me/b#1" }\n` };
  assert.match(planOf(files).line, /some come by ssh from github\.com.*add GITHUB_TOKEN to forward/);
  assert.doesNotMatch(planOf(files, { credentials: ["GITHUB_TOKEN"] }).line, /ssh/);
});
