import assert from "node:assert/strict";
import { test } from "node:test";
import { projectIn } from "../../../../components/code/git/project.ts";

test("a pyproject.toml describes a project only with its table", () => {
  const projects = [
    '[project]\nname = "x"',
    '# of us\n [ project ] # so\nname = "x"',
    '[build-system]\nrequires = []\n[project.scripts]\nx = "x:y"',
    'project = { name = "x", version = "0" }',
    'project.name = "x"',
    '[project]\r\nname = "x"\r\n',
  ];
  for (const text of projects) assert.ok(projectIn({ "pyproject.toml": text }).isProject, text);
  const others = [
    "",
    "[tool.ruff]\nline-length = 100",
    '[tool.poetry]\nname = "x"\n[tool.poetry.dependencies]\npython = "*"',
    '[build-system]\nrequires = ["setuptools"]',
    '[tool.x]\ntext = """\n[project]\n"""',
    "# [project]",
    "[tool.project]\nproject = 1",
  ];
  for (const text of others) assert.ok(!projectIn({ "pyproject.toml": text }).isProject, text);
});

test("what is asked of uv itself is read where uv reads it", () => {
  const asked = (texts: Record<string, string>) => projectIn(texts).uv;
  const own = '[tool.uv]\nrequired-version = ">=0.14, <0.15"\n[tool.other]\nrequired-version = "9"';
  assert.equal(asked({ "pyproject.toml": own }), ">=0.14,<0.15");
  assert.equal(asked({ "pyproject.toml": own, "uv.toml": 'required-version = "0.13.9" # ours' }), "==0.13.9");
  assert.equal(asked({ "pyproject.toml": own, "uv.toml": "[pip]\n" }), "", "uv reads the other no more");
  assert.equal(asked({ "uv.toml": "required-version = '~=0.13'" }), "~=0.13");
  assert.equal(asked({ "uv.toml": 'required-version = ">=1 --index-url http://evil"' }), "", "no word of its own");
});

test("packages are counted without the project, extras and groups by name, and servers behind ssh", () => {
  const lock = [
    "version = 1",
    '[[package]]\nname = "it"\nsource = { virtual = "." }',
    '[[package]]\nname = "a"\nsource = { registry = "https://pypi.org/simple" }',
    '[[package]]\nname = "b"\nsource = { git = "ssh://git@github.com/me/b?rev=1#2" }',
    '[[package]]\nname = "c"\nsource = { git = "ssh://git@git.example.org:22/me/c#2" }',
  ].join("\n");
  const own =
    '[project]\n[project.optional-dependencies]\ncpu = [\n "x",\n]\n"cu124" = []\n[dependency-groups]\ntrain = []\n';
  const { packages, extras, groups, sshHosts } = projectIn({ "uv.lock": lock, "pyproject.toml": own });
  assert.deepEqual(
    { packages, extras, groups, sshHosts },
    {
      packages: 3,
      extras: ["cpu", "cu124"],
      groups: ["train"],
      sshHosts: ["git.example.org", "github.com"],
    },
  );
  const requirements = "x @ git+ssh://git@github.com/me/x@v1";
  assert.deepEqual(projectIn({ "requirements.txt": requirements }).sshHosts, ["github.com"]);
  assert.equal(projectIn({ "requirements.txt": requirements }).packages, null);
});
