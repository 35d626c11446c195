import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { checkSource, sourceText } from "../../../../components/code/check-source.ts";
import { snapshotRepository } from "../../../../components/code/git/snapshot.ts";
import { problemLine } from "../../../../components/lib/problem.ts";

type Folder = ReturnType<typeof openFolder>;

function openFolder(t: TestContext, name = "it") {
  const root = mkdtempSync(join(tmpdir(), "shapes-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const dir = join(root, name);
  const gitIn = (folder: string, ...words: string[]) =>
    execFileSync(
      "git",
      ["-C", folder, "-c", "user.name=x", "-c", "user.email=x@y", "-c", "protocol.file.allow=always", ...words],
      {
        encoding: "utf8",
        stdio: "pipe",
      },
    ).trim();
  const git = (...words: string[]) => gitIn(dir, ...words);
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), text);
  };
  mkdirSync(dir);
  git("init", "-q", "-b", "main");
  for (const path of ["a.py", "data/.gitkeep", "data/deep/x", "lib/y", "z"]) write(path, `${path}\n`);
  git("add", "-A");
  git("commit", "-qm", "x");
  const take = async (sourceDir = dir, exclude: string[] = []) => {
    const wanted = { sourceDir, maxUploadMb: 1, codeDir: "/workspace/it", extraRepos: [], exclude };
    const { value, problems } = await checkSource({ path: join(root, "state") }, wanted, process.env);
    assert.deepEqual(problems.map(problemLine), []);
    assert.ok(value);
    const bare = await snapshotRepository({ path: join(root, "state") }, sourceDir);
    const tree = execFileSync("git", ["--git-dir", bare, "rev-parse", `${value.commit}^{tree}`], { encoding: "utf8" });
    return { ...value, tree: tree.trim() };
  };
  /** The files again, from what was committed and the patch. */
  const again = ({ patch }: { patch: Buffer }) => {
    const clone = join(root, "clone");
    rmSync(clone, { recursive: true, force: true });
    execFileSync("git", ["clone", "-q", `file://${dir}`, clone], { stdio: "pipe" });
    if (patch.length > 0) execFileSync("git", ["-C", clone, "apply", "--index", "-"], { input: patch, stdio: "pipe" });
    return gitIn(clone, "write-tree");
  };
  /** What git itself would commit of the folder. */
  const asGit = () => {
    const copy = join(root, "copy");
    rmSync(copy, { recursive: true, force: true });
    cpSync(dir, copy, { recursive: true, verbatimSymlinks: true });
    gitIn(copy, "add", "-A");
    return gitIn(copy, "write-tree");
  };
  return { root, dir, git, gitIn, write, take, again, asGit };
}

/** Work trees as they are; what is sent is what git would commit. */
const SHAPES: Record<string, (folder: Folder) => void> = {
  "a folder that became a link to one with the same names": ({ root, dir }) => {
    renameSync(join(dir, "data"), join(root, "scratch"));
    symlinkSync(join(root, "scratch"), join(dir, "data"));
  },
  "a folder deep inside that became a link": ({ root, dir }) => {
    renameSync(join(dir, "data/deep"), join(root, "scratch"));
    symlinkSync(join(root, "scratch"), join(dir, "data/deep"));
  },
  "a folder that became a link to nowhere": ({ dir }) => {
    rmSync(join(dir, "data"), { recursive: true });
    symlinkSync("/nowhere", join(dir, "data"));
  },
  "a folder that became a link to itself": ({ dir }) => {
    rmSync(join(dir, "data"), { recursive: true });
    symlinkSync("data", join(dir, "data"));
  },
  "a folder that became a file": ({ dir, write }) => {
    rmSync(join(dir, "data"), { recursive: true });
    write("data", "a file\n");
  },
  "a file that became a folder": ({ dir, write }) => {
    rmSync(join(dir, "z"));
    write("z/in/it", "1");
  },
  "a file that became a link to a folder": ({ dir }) => {
    rmSync(join(dir, "z"));
    symlinkSync("data", join(dir, "z"));
  },
  "a folder that became a link and is ignored": ({ root, dir, write }) => {
    write(".gitignore", "data\n");
    renameSync(join(dir, "data"), join(root, "scratch"));
    symlinkSync(join(root, "scratch"), join(dir, "data"));
  },
  "odd names": ({ write }) => {
    for (const name of [
      "a\nb",
      "a\tb",
      " a ",
      '"a"',
      "a\\b",
      "-x",
      ":(top)x",
      "größe/ß",
      "*",
      "#c",
      "a'b",
      "a\x7f\x1b",
    ]) {
      write(`odd/${name}`, name);
      write(`${name}/in`, name);
    }
  },
  "names that are not UTF-8": ({ dir }) => {
    for (const bytes of [[0x66, 0xe9], [0xff], [0x80, 0x0a]])
      writeFileSync(Buffer.from([...Buffer.from(`${dir}/`), ...bytes]), "x");
    mkdirSync(Buffer.from([...Buffer.from(`${dir}/`), 0xe8]));
    writeFileSync(Buffer.from([...Buffer.from(`${dir}/`), 0xe8, 0x2f, 0xe9]), "x");
  },
  "staged and not staged, renamed, and gone": ({ dir, git, write }) => {
    git("mv", "a.py", "b.py");
    write("lib/y", "staged");
    git("add", "-A");
    write("lib/y", "changed again");
    rmSync(join(dir, "z"));
    write("new", "intended");
    git("add", "-N", "new");
  },
  "a conflict": ({ git, write }) => {
    git("checkout", "-qb", "other");
    write("z", "theirs");
    git("commit", "-qam", "y");
    git("checkout", "-q", "main");
    write("z", "ours");
    git("commit", "-qam", "y");
    assert.throws(() => git("merge", "-q", "other"));
  },
  "a mode": ({ dir }) => execFileSync("chmod", ["+x", join(dir, "a.py")]),
  "no change": () => undefined,
};

for (const [name, shape] of Object.entries(SHAPES)) {
  test(`${name}: sent as git would commit it, and made again by the patch`, async (t) => {
    const folder = openFolder(t);
    shape(folder);
    const taken = await folder.take();
    assert.equal(taken.tree, folder.asGit());
    assert.equal(folder.again(taken), taken.tree);
  });
}

test("a submodule that became a link is sent as the link", async (t) => {
  const folder = openFolder(t);
  folder.gitIn(folder.root, "clone", "-q", folder.dir, "sub");
  folder.git("submodule", "--quiet", "add", join(folder.root, "sub"), "sub");
  folder.git("commit", "-qm", "y");
  rmSync(join(folder.dir, "sub"), { recursive: true });
  symlinkSync(join(folder.root, "sub"), join(folder.dir, "sub"));
  const { tree } = await folder.take();
  assert.equal(tree, folder.asGit());
});

test("the folder itself may have an odd name, lie below the top, or be a linked work tree", async (t) => {
  const folder = openFolder(t, 'an\nodd "name" \\ ');
  const { tree } = await folder.take();
  assert.equal(tree, folder.asGit());
  for (const below of ["lib", "odd\nname ", "new"]) {
    folder.write(`${below}/file`, "1");
    const taken = await folder.take(join(folder.dir, below));
    assert.equal(taken.files, below === "lib" ? 2 : 1);
    if (below === "odd\nname ") {
      folder.git("add", "-A");
      folder.git("commit", "-qm", "y");
      assert.equal((await folder.take(join(folder.dir, below))).patch.length, 0);
    }
  }
  folder.git("worktree", "add", "-q", join(folder.root, "linked"));
  assert.equal((await folder.take(join(folder.root, "linked"))).tree, folder.git("rev-parse", "HEAD^{tree}"));
});

test("sparse and partial clones: what is not checked out is told, and is no change", async (t) => {
  const folder = openFolder(t);
  folder.git("config", "uploadpack.allowFilter", "true");
  const at = (name: string) => join(folder.root, name);
  folder.gitIn(
    folder.root,
    "clone",
    "-q",
    "--no-local",
    "--filter=blob:none",
    "--sparse",
    `file://${folder.dir}`,
    "partial",
  );
  folder.gitIn(at("partial"), "sparse-checkout", "set", "lib");
  assert.ok(!existsSync(join(at("partial"), "data")));
  writeFileSync(join(at("partial"), "lib/y"), "changed\n");
  const taken = await folder.take(at("partial"));
  assert.deepEqual([taken.files, taken.sparse], [3, 2]);
  assert.match(sourceText(taken), /without 2 that are not checked out here/);
  assert.equal(String(taken.patch).match(/^diff/gm)?.length, 1, "the file that was changed");
  assert.equal((await folder.take(at("partial"), ["data/"])).sparse, 0, "training does without");
  const whole = await folder.take();
  assert.equal(whole.sparse, 0);
  assert.doesNotMatch(sourceText(whole), /not checked out/);
});
