import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { beforeEach, type TestContext, test } from "node:test";
import { checkSource } from "../../../../components/code/check-source.ts";
import { fetchCommit } from "../../../../components/code/git/cache.ts";
import { git } from "../../../../components/code/git/git.ts";
import { gitOverHttp } from "../../../support/code-place.ts";
import { makeRepository } from "../../remote/box.ts";

const before = { ...process.env };
beforeEach(() => {
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
  Object.assign(process.env, before);
});

function openHome(t: TestContext) {
  const root = mkdtempSync(join(tmpdir(), "set-up-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  process.env.HOME = join(root, "home");
  const write = (path: string, text: string, mode = 0o644) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text, { mode });
    chmodSync(join(root, path), mode);
    return join(root, path);
  };
  write("home/.gitconfig", "");
  return {
    root,
    write,
    configure: (text: string) => write("home/.gitconfig", text),
    state: { path: join(root, "state") },
  };
}

/** Any of them changes what a plain git diff, init, fetch or update-index does, or ends it. */
const SETTINGS = [
  '[color]\n ui = always\n[color "diff"]\n meta = red',
  "[diff]\n noprefix = true",
  "[diff]\n mnemonicPrefix = true",
  "[diff]\n srcPrefix = x/\n dstPrefix = y/z/",
  "[diff]\n orderFile = /missing",
  "[diff]\n external = false",
  "[diff]\n context = 0\n interHunkContext = 9",
  "[diff]\n relative = true\n renames = copies\n ignoreSubmodules = all\n suppressBlankEmpty = true\n algorithm = patience",
  '[core]\n attributesFile = ROOT/attributes\n[diff "upper"]\n textconv = tr a-z A-Z <\n[filter "no"]\n clean = false\n required = true',
  "[core]\n hooksPath = ROOT/hooks",
  "[init]\n templateDir = ROOT/template",
  "[safe]\n bareRepository = explicit",
  "[core]\n autocrlf = true\n eol = crlf\n safecrlf = true\n quotePath = false\n fileMode = false\n symlinks = false",
  "[core]\n compression = 0\n bigFileThreshold = 1\n abbrev = 4\n sharedRepository = world",
  "[init]\n defaultObjectFormat = sha256\n defaultRefFormat = reftable",
  "[transfer]\n fsckObjects = true\n[fetch]\n prune = true\n recurseSubmodules = true\n[gc]\n auto = 1",
  "[commit]\n gpgSign = true\n[user]\n useConfigOnly = true\n[i18n]\n commitEncoding = latin1",
  "[index]\n version = 4\n sparse = true\n[feature]\n manyFiles = true\n[core]\n splitIndex = true\n untrackedCache = true",
];

/** What hooks, aliases and other programs leave in the environment. */
const VARIABLES: Record<string, string>[] = [
  ...["GIT_DIR", "GIT_COMMON_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE"].map(
    (name) => ({ [name]: "/missing" }),
  ),
  ...["GIT_SHALLOW_FILE", "GIT_GRAFT_FILE", "GIT_EXTERNAL_DIFF", "GIT_ATTR_SOURCE", "GIT_TEMPLATE_DIR"].map((name) => ({
    [name]: "/missing",
  })),
  { GIT_DIFF_OPTS: "-u0" },
  { GIT_DEFAULT_HASH: "sha256" },
  { GIT_LITERAL_PATHSPECS: "1", GIT_PREFIX: "x/", GIT_ICASE_PATHSPECS: "1" },
  { GIT_CONFIG_COUNT: "1", GIT_CONFIG_KEY_0: "diff.noprefix", GIT_CONFIG_VALUE_0: "true" },
  { GIT_CONFIG_PARAMETERS: "'diff.noprefix'='true'" },
  { GIT_TRACE: "1", GIT_TRACE_SETUP: "1", GIT_FLUSH: "0" },
  { GIT_INDEX_VERSION: "4", GIT_AUTHOR_DATE: "now", GIT_AUTHOR_NAME: "x", GIT_COMMITTER_EMAIL: "x" },
];

test("what is kept of a folder is the same whatever the user's settings and variables are", async (t) => {
  const { root, write, configure, state } = openHome(t);
  const folder = join(root, "it");
  const [base = ""] = makeRepository(join(root, "it.git"), "main", {
    "src/src/a.txt": "a\n\nb\nc\nd\ne\nf\n",
    "b.bin": "\0x",
    "c.sh": "c\n",
  });
  execFileSync("git", ["clone", "-q", join(root, "it.git"), folder]);
  write("it/src/src/a.txt", "a\n\nb\nc\nD\ne\nf\r\n");
  write("it/b.bin", "\0changed\n");
  write("it/größe\tx", "new\n", 0o755);
  rmSync(join(folder, "c.sh"));
  write("attributes", "* diff=upper filter=no\n");
  for (const hook of ["post-index-change", "reference-transaction", "post-checkout"]) {
    for (const place of ["hooks", "template/hooks"]) write(`${place}/${hook}`, "#!/bin/sh\nexit 1\n", 0o755);
  }
  write("template/info/exclude", "*\n");
  const wanted = { sourceDir: folder, maxUploadMb: 1, codeDir: "/workspace/it", extraRepos: [], exclude: ["*.no"] };
  const take = async (place: string) => {
    const { value, problems } = await checkSource({ path: place }, wanted, process.env);
    assert.deepEqual(problems, []);
    assert.ok(value);
    return { patch: String(value.patch), commit: value.commit, base: value.base, files: value.files };
  };
  const usual = await take(state.path);
  const clone = join(root, "clone");
  execFileSync("git", ["clone", "-q", join(root, "it.git"), clone]);
  execFileSync("git", ["-C", clone, "apply", "--whitespace=nowarn", "-"], { input: usual.patch });
  assert.equal(readFileSync(join(clone, "größe\tx"), "utf8"), "new\n");
  assert.equal(
    execFileSync("git", ["diff", "--no-index", "--stat", join(clone, "src"), join(folder, "src")]).length,
    0,
  );
  assert.equal(usual.base, base);
  for (const [at, settings] of SETTINGS.entries()) {
    configure(settings.replaceAll("ROOT", root));
    assert.deepEqual(await take(join(root, `state-${at}`)), usual, settings);
  }
  configure("");
  for (const [at, variables] of VARIABLES.entries()) {
    Object.assign(process.env, variables);
    assert.deepEqual(await take(join(root, `state-v${at}`)), usual, JSON.stringify(variables));
    for (const name of Object.keys(variables)) delete process.env[name];
  }
  configure(`[core]\n excludesFile = ${write("ignored", "größe*\n")}`);
  assert.equal((await take(join(root, "state-last"))).files, usual.files - 1, "what is ignored is the user's to say");
});

test("a server is asked as the machine will ask, or with all that leads the user's own git to it", async (t) => {
  const { root, write, configure, state } = openHome(t);
  const [commit = ""] = makeRepository(join(root, "it.git"), "main", { a: "1" });
  const url = (await gitOverHttp(t, root, "secret"))("it.git");
  const origin = new URL(url).origin;
  const basic = `Authorization: Basic ${Buffer.from("me:secret").toString("base64")}`;
  const store = write("store", `${origin.replace("//", "//me:secret@")}\n`);
  const SETTINGS = {
    extraHeader: `[http "${origin}"]\n extraHeader = "${basic}"`,
    insteadOf: `[url "file://${root}/"]\n insteadOf = ${origin}/git/`,
    "insteadOf with a login": `[url "${origin.replace("//", "//me:secret@")}/"]\n insteadOf = ${origin}/`,
    helper: `[credential]\n helper = "store --file ${store}"`,
    "helper of a server": `[credential "${origin}"]\n helper = "!printf 'username=me\\\\npassword=secret\\\\n'"`,
    "an included file": `[include]\n path = ${write("more", `[http]\n extraHeader = "${basic}"\n`)}`,
  };
  const asked = (login: "none" | "own") =>
    git(["ls-remote", "--heads", "--", url], { login }).then(
      (text) => String(text).includes(commit),
      () => false,
    );
  const both = async (name: string) => assert.deepEqual([await asked("none"), await asked("own")], [false, true], name);
  for (const [name, text] of Object.entries(SETTINGS)) {
    configure(text);
    await both(name);
    await fetchCommit({ path: join(state.path, name) }, { url, commit, ref: "refs/heads/main", login: "own" });
  }
  configure("");
  write("home/.netrc", "machine 127.0.0.1 login me password secret\n", 0o600);
  await both("netrc");
  rmSync(join(root, "home/.netrc"));
  Object.assign(process.env, {
    GIT_CONFIG_COUNT: "1",
    GIT_CONFIG_KEY_0: "http.extraHeader",
    GIT_CONFIG_VALUE_0: basic,
  });
  await both("a variable");
});

test("a setting of the folder that we are in leads to a server too", async (t) => {
  const { root } = openHome(t);
  const [commit = ""] = makeRepository(join(root, "it.git"), "main", { a: "1" });
  const here = process.cwd();
  t.after(() => process.chdir(here));
  execFileSync("git", ["init", "-q", join(root, "project")]);
  process.chdir(join(root, "project"));
  execFileSync("git", ["config", `url.file://${root}/.insteadOf`, "https://nowhere.example/"]);
  const ask = (login: "none" | "own") =>
    git(["ls-remote", "--", "https://nowhere.example/it.git"], { login, patienceMs: 20_000 });
  await assert.rejects(ask("none"));
  assert.match(String(await ask("own")), new RegExp(commit));
});

test("the user's ssh: GIT_SSH_COMMAND, then core.sshCommand, then GIT_SSH", async (t) => {
  const { root, write, configure } = openHome(t);
  const [commit = ""] = makeRepository(join(root, "it.git"), "main", { a: "1" });
  const log = join(root, "log");
  // Each notes its name, and runs here what it is to run there.
  const ssh = (name: string) =>
    write(
      name,
      `#!/bin/sh\nfor last; do [ "$last" != -G ] || exit 1; done\necho '${name}' >>'${log}'\neval "$last"\n`,
      0o755,
    );
  const [command, setting, program] = ["by command", "by-setting", "by program"].map(ssh);
  const called = async () => {
    writeFileSync(log, "");
    const url = `alias:${join(root, "it.git")}`;
    assert.match(String(await git(["ls-remote", "--", url], { login: "own" })), new RegExp(commit));
    assert.match(String(await git(["ls-remote", "--", url], { login: "agent" })), new RegExp(commit));
    return readFileSync(log, "utf8").trim().split("\n");
  };
  process.env.GIT_SSH = program;
  assert.deepEqual(await called(), ["by program", "by program"]);
  configure(`[core]\n sshCommand = ${setting}`);
  assert.deepEqual(await called(), ["by-setting", "by-setting"]);
  process.env.GIT_SSH_COMMAND = `'${command}' -x`;
  assert.deepEqual(await called(), ["by command", "by command"]);
});
