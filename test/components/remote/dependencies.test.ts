import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { planDependencies } from "../../../components/code/dependencies.ts";
import { projectIn } from "../../../components/code/git/project.ts";
import { type TrainStep, trainScript } from "../../../components/remote/scripts.ts";
import { isAll } from "../../support/all.ts";
import { type Box, ENDS, openBox, stepOf } from "./box.ts";

const needsUv = { skip: spawnSync("uv", ["--version"]).status === 0 ? false : "needs uv" };
const SYNC = { command: "uv sync", uv: "", ownPython: false };
const NOTHING = { command: "", uv: "", ownPython: true };
const project = (dependencies: string, more = "") =>
  `[project]\nname = "x"\nversion = "0"\nrequires-python = ">=3.9"\ndependencies = [${dependencies}]\n[tool.uv]\npackage = false\n${more}`;

/** A wheel of one module, which says its own name. */
function makeWheel(folder: string, name: string): string {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${name}-1-py3-none-any.whl`);
  const program = [
    "import sys, zipfile",
    "file, name = sys.argv[1:]",
    "with zipfile.ZipFile(file, 'w') as wheel:",
    "    wheel.writestr(f'{name}.py', f'print(\"this is {name}\")\\n')",
    "    wheel.writestr(f'{name}-1.dist-info/METADATA', f'Metadata-Version: 2.1\\nName: {name}\\nVersion: 1\\n')",
    "    wheel.writestr(f'{name}-1.dist-info/WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')",
    "    wheel.writestr(f'{name}-1.dist-info/RECORD', '')",
  ];
  execFileSync("python3", ["-c", program.join("\n"), file, name]);
  return file;
}

function open(t: TestContext) {
  const box = openBox(t);
  const code = join(box.workspace, "repo");
  const start = (command: string, more: Partial<TrainStep>, before = ENDS) =>
    box.run(
      `export UV_OFFLINE=1 UV_CACHE_DIR=${box.root}/cache\n${before}\n${trainScript(stepOf(box, command, more))}`,
    );
  return { box, code, start };
}

/** The Python of an image, with a module of its own, in front on PATH. */
function imagePython(box: Box): string {
  const place = join(box.root, "image");
  execFileSync("uv", ["venv", "--quiet", "--offline", place]);
  const wheel = makeWheel(box.root, "of_the_image");
  execFileSync("uv", ["pip", "install", "--quiet", "--offline", "--no-deps", "--python", `${place}/bin/python`, wheel]);
  return `${ENDS}; export PATH=${place}/bin:$PATH`;
}

test("nothing is installed where nothing is asked for, and nothing hides the image's Python", needsUv, async (t) => {
  const { box, code, start } = open(t);
  const image = imagePython(box);
  box.write(join(code, "pyproject.toml"), project(""));
  assert.equal((await start("python -c 'import of_the_image'; exit 3", { dependencies: SYNC }, image)).code, 1);
  const other = { dependencies: NOTHING, commit: "b".repeat(40) };
  const result = await start("python -c 'import of_the_image'", other, image);
  assert.equal(result.code, 0, result.err);
  assert.match(result.out, /nothing to install/);
  assert.ok(!existsSync(join(box.workspace, "venvs/repo")), "that of the earlier commit");
});

test("what is there is not installed again", needsUv, async (t) => {
  const { box, code, start } = open(t);
  const wheel = makeWheel(box.root, "one");
  box.write(join(code, "pyproject.toml"), project('"one"', `[tool.uv.sources]\none = { path = "${wheel}" }\n`));
  const first = await start("python -m one", { dependencies: SYNC });
  assert.equal(first.code, 0, first.err);
  assert.match(first.out, /dependencies: they are there for aaaaaaaaaaaa, 1 of them installed now/);
  assert.match(box.read("train.log"), /^this is one$/m);
});

test("a repeated step leaves what set-up has put beside them, until the code is another", needsUv, async (t) => {
  const { box, code, start } = open(t);
  const wheel = makeWheel(box.root, "beside");
  box.write(join(code, "pyproject.toml"), project(""));
  // It cannot be put there a second time.
  const setup = [`[ -e ${box.root}/once ] || uv pip install --no-index ${wheel}; touch ${box.root}/once`];
  const again = { dependencies: SYNC, setup };
  assert.equal((await start("python -m beside; sleep 600", again, "")).code, 0);
  const running = await start("python -m beside; sleep 600", again);
  assert.match(running.out, /runs already/);
  for (const command of ["python -m beside", "python -m beside; exit 0"]) {
    const restarted = await start(command, again);
    assert.equal(restarted.code, 0, restarted.err);
    assert.match(restarted.out, /dependencies: they are there for aaaaaaaaaaaa$/m);
    assert.match(box.read("train.log"), /^this is beside$/m);
  }
  const other = await start("python -m beside", { ...again, commit: "b".repeat(40) });
  assert.match(other.err, /No module named beside/, "another commit has exactly its own, and set-up comes after");
});

test("requirements.txt goes into the image's Python, beside what that has", needsUv, async (t) => {
  const { box, code, start } = open(t);
  const image = imagePython(box);
  const requirements = `${makeWheel(box.root, "listed")}\n`;
  box.write(join(code, "requirements.txt"), requirements);
  const wish = { dependencies: "auto", extras: [], groups: [], credentials: [] };
  const { dependencies } = planDependencies(projectIn({ "requirements.txt": requirements }), wish);
  const result = await start("python -m listed && python -m of_the_image", { dependencies }, image);
  assert.equal(result.code, 0, result.err);
  assert.match(box.read("train.log"), /^this is listed\nthis is of_the_image$/m);
});

test("uv is there for set-up, preflight and training, also where only we have brought it", needsUv, async (t) => {
  const { box, start } = open(t);
  mkdirSync(join(box.workspace, ".uv/bin"), { recursive: true });
  const uv = execFileSync("sh", ["-c", "command -v uv"], { encoding: "utf8" }).trim();
  symlinkSync(uv, join(box.workspace, ".uv/bin/uv"));
  const without = `${ENDS} PATH=$(printf %s "$PATH" | tr : '\\n' | while read -r place; do [ -e "$place/uv" ] || printf '%s:' "$place"; done)`;
  const commands = { setup: ["uv --version >in-setup"], preflight: ["uv --version"], dependencies: NOTHING };
  const result = await start("uv --version", commands, without);
  assert.equal(result.code, 0, result.err);
  assert.match(box.read("train.log"), /^uv \d/m);
  assert.match(box.read("repo/in-setup"), /^uv \d/);
});

test("a uv that the code does not take gives way to one that it asks for", {
  skip: !isAll || needsUv.skip,
}, async (t) => {
  const { box, code, start } = open(t);
  box.write(join(code, "pyproject.toml"), `${project("")}required-version = "<0.13"\n`);
  const result = await start("uv --version", { dependencies: { ...SYNC, uv: "<0.13" } });
  assert.equal(result.code, 0, result.err);
  assert.match(box.read("train.log"), /^uv 0\.12\./m);
});

test("an index that asks for a password gets the one that was forwarded", needsUv, async (t) => {
  const { box, code, start } = open(t);
  const wheel = readFileSync(makeWheel(box.root, "secretly"));
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const login = Buffer.from((request.headers.authorization ?? "").replace("Basic ", ""), "base64").toString();
    asked.push(login);
    if (login !== "me:canary-of-the-index") response.writeHead(401).end();
    else if (request.url?.endsWith(".whl")) response.end(wheel);
    else response.writeHead(200, { "content-type": "text/html" }).end('<a href="/secretly-1-py3-none-any.whl">x</a>');
  }).listen(0, "127.0.0.1");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise((resolve) => server.once("listening", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/simple`;
  const index = `[[tool.uv.index]]\nname = "priv"\nurl = "${url}"\ndefault = true\n`;
  box.write(join(code, "pyproject.toml"), project('"secretly"', index));
  const online = `${ENDS}; unset UV_OFFLINE; export UV_HTTP_RETRIES=0 no_proxy=127.0.0.1`;
  const refused = await start("python -m secretly", { dependencies: SYNC }, online);
  assert.match(
    refused.err,
    /dependencies: exit code.*401.*Training is not started: its dependencies are not installed/s,
  );
  const login = "export UV_INDEX_PRIV_USERNAME='me'\nexport UV_INDEX_PRIV_PASSWORD='canary-of-the-index'\n";
  box.write(join(box.workspace, ".env"), login);
  const result = await start("python -m secretly", { dependencies: SYNC }, online);
  assert.equal(result.code, 0, result.err);
  assert.match(box.read("train.log"), /^this is secretly$/m);
  assert.ok(asked.includes(""));
});

test("a forwarded token opens private repositories of GitHub, by ssh URLs too, and is nobody else's", async (t) => {
  const { box, start } = open(t);
  box.write(join(box.workspace, ".env"), "export GITHUB_TOKEN='canary-of-github'\n");
  const ask = (host: string) =>
    `printf 'protocol=https\\nhost=${host}\\n\\n' | git credential fill 2>&1 | grep ^password`;
  const url = "git ls-remote --get-url ssh://git@github.com/me/it; git ls-remote --get-url git@github.com:me/it";
  const result = await start(`${url}; ${ask("github.com")}; ${ask("example.org")} || echo none`, {});
  assert.equal(result.code, 0, result.err);
  const its = "https://github.com/me/it";
  assert.ok(
    box.read("train.log").startsWith(`${its}\n${its}\npassword=canary-of-github\nnone\n`),
    box.read("train.log"),
  );
});

test("a failing installation shows the end of its log, and what ends the bill", needsUv, async (t) => {
  const { box, code, start } = open(t);
  box.write(join(code, "pyproject.toml"), "not toml");
  const result = await start("exit 0", { dependencies: SYNC });
  assert.notEqual(result.code, 0);
  assert.match(result.err, /dependencies: exit code.*logs\/dependencies\.log.*pyproject\.toml/s);
  assert.match(result.err, /pulumi destroy -s local/);
});
