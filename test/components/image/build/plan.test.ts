import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { buildAt } from "../../../../components/image/build/files.ts";
import { changedParts, tagOf, willBuildText } from "../../../../components/image/build/plan.ts";
import { dockerfileOf, ignoreFile } from "../../../../components/image/build/template.ts";
import { makeRepository } from "../../remote/box.ts";

const values = {
  base: "pytorch/pytorch:1",
  name: "it",
  options: "",
  extraRepos: [{ url: "https://github.com/me/other.git", commit: "a".repeat(40), path: "/workspace/other" }],
};

test("a tag is of exactly the parts, in whatever order", () => {
  const parts = { "uv.lock": "1", Dockerfile: "2" };
  assert.match(tagOf(parts), /^deps-[0-9a-f]{12}$/);
  assert.equal(tagOf({ Dockerfile: "2", "uv.lock": "1" }), tagOf(parts));
  for (const other of [{ ...parts, "uv.lock": "3" }, { "uv.lock": "1" }, { ...parts, "/workspace/x": "c" }])
    assert.notEqual(tagOf(other), tagOf(parts));
});

test("what changed is named", () => {
  assert.deepEqual(changedParts({ a: "1", b: "1", c: "1" }, { a: "1", b: "2", d: "1" }), ["b", "c", "d"]);
  assert.equal(willBuildText({ "uv.lock": "1" }, { "uv.lock": "2" }), "will build: uv.lock changed");
  assert.equal(willBuildText(undefined, { "uv.lock": "2" }), "will build: no image of these dependencies yet");
});

test("our Dockerfile has every value, and clones each repository at its commit beside the environment", () => {
  const text = dockerfileOf({ ...values, python: "" });
  const lines = text.split("\n").filter((line) => !line.startsWith("#"));
  assert.doesNotMatch(lines.join("\n"), /@[A-Z_]+@/);
  assert.match(text, /^FROM pytorch\/pytorch:1 AS tools$/m);
  assert.match(text, /UV_PROJECT_ENVIRONMENT=\/workspace\/venvs\/it /);
  assert.match(text, /'uv==\d+\.\d+\.\d+ --hash=sha256:[0-9a-f]{64}/);
  assert.match(text, /git -C \/repositories\/workspace\/other fetch --quiet --depth 1 origin a{40}/);
  assert.ok(text.indexOf("uv sync") < text.indexOf("COPY --from=repositories"), "a lock file makes no clone again");
  assert.equal(ignoreFile(), "*\n!pyproject.toml\n!uv.lock\n");
});

test("the build's files are those of the commit, and the repository's own Dockerfile takes the place of ours", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "vast-build-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const bare = join(folder, "it.git");
  const [plain = "", own = ""] = makeRepository(
    bare,
    "main",
    { "pyproject.toml": "p", "uv.lock": "l", "src.py": "x" },
    { "pyproject.toml": "p", "uv.lock": "l", "vast.Dockerfile": "FROM mine", "src.py": "y" },
  );
  execFileSync("git", ["-C", bare, "config", "uploadpack.allowFilter", "true"]);
  execFileSync("git", ["-C", bare, "config", "uploadpack.allowAnySHA1InWant", "true"]);
  const source = { url: `file://${bare}`, ref: "refs/heads/main", login: "none" as const };
  const dir = { path: join(folder, "state") };
  const at = (commit: string, folder = "", changes = {}) =>
    buildAt(dir, { ...source, commit }, folder, { ...values, ...changes });
  const first = await at(plain);
  assert.deepEqual(Object.keys(first.files).toSorted(), [
    "Dockerfile",
    "Dockerfile.dockerignore",
    "pyproject.toml",
    "uv.lock",
  ]);
  assert.equal(first.files["uv.lock"], "l");
  assert.equal(first.files.Dockerfile, dockerfileOf({ ...values, python: "" }));
  const second = await at(own);
  assert.equal(second.files.Dockerfile, "FROM mine");
  assert.deepEqual(changedParts(first.parts, second.parts), ["Dockerfile"]);
  const later = { extraRepos: [{ ...values.extraRepos[0], commit: "b".repeat(40) }] };
  assert.deepEqual(changedParts(first.parts, (await at(plain, "", later)).parts), ["/workspace/other"]);

  writeFileSync(join(folder, "pyproject.toml"), "of a work tree");
  writeFileSync(join(folder, ".python-version"), "# of the project\n3.12\n3.11\n");
  const here = (await at("0", folder)).files;
  assert.equal(here["pyproject.toml"], "of a work tree");
  assert.equal(here["uv.lock"], undefined);
  assert.equal(here[".python-version"], undefined, "not sent, but told to uv");
  assert.match(here.Dockerfile ?? "", /uv sync .* --python 3\.12;/);
  const options = " --extra cu124";
  assert.match((await at("0", folder, { options })).files.Dockerfile ?? "", /uv sync .* --python 3\.12 --extra cu124;/);
  writeFileSync(join(folder, ".python-version"), "3.12; rm -rf /\n");
  assert.doesNotMatch((await at("0", folder)).files.Dockerfile ?? "", /--python/);
});
