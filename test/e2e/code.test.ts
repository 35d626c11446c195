import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { gitOverSsh } from "../components/code/place.ts";
import { exampleRepositoryOf, openProject, type Project } from "../support/project.ts";

const isRoot = process.getuid?.() === 0 && process.platform === "linux";
const needsRoot = isRoot ? false : "the simulator's machines need root on Linux";

const trainer = (project: Project) => project.remote("pgrep -f -o '^[^ ]*python[^ ]* src/train.py'");
const said = ({ stdout, stderr }: { stdout: string; stderr: string }) => stdout + stderr;

test("a private repository, then uncommitted work, on one machine", { skip: needsRoot }, async (t: TestContext) => {
  const project = await openProject(t);
  const bare = exampleRepositoryOf(project);
  // The simulator makes its repository when it is asked for first.
  const { repos } = JSON.parse(readFileSync(join(project.home, "simulator", "runtime.json"), "utf8"));
  execFileSync("git", ["ls-remote", repos["tiny-train"]]);
  const server = await gitOverSsh(t, "/");
  const { SSH_AUTH_SOCK, GIT_SSH_COMMAND } = process.env;
  const url = server.url(bare);
  const env = { SSH_AUTH_SOCK, GIT_SSH_COMMAND };
  const pulumi = (command: string, ...args: string[]) =>
    project.run(
      "pulumi",
      [command, "-s", "local", "--non-interactive", ...(command === "up" ? ["--yes"] : []), ...args],
      { env },
    );
  const works = async (...words: [string, ...string[]]) => {
    const result = await pulumi(...words);
    assert.equal(result.code, 0, said(result));
    return said(result);
  };

  await t.test("over ssh it is sent from here, without a word about it in the config", async () => {
    await works("up", "--skip-preview", "-c", `repo=${url}`);
    const { commit } = await project.outputs();
    assert.equal(await project.remote("git -C /workspace/tiny-train rev-parse HEAD"), commit);
    assert.equal(await project.remote("git -C /workspace/tiny-train remote"), "", "the machine knows no server");
  });

  await t.test("with nothing changed it opens no connection", async () => {
    const pid = await trainer(project);
    assert.match(await works("up", "--expect-no-changes"), /unchanged/);
    assert.equal(await trainer(project), pid);
  });

  const work = join(project.root, "work");
  const config = ["-c", "source=rsync", "-c", `sourceDir=${work}`, "-c", "exclude=notes/"];
  await t.test("preview of uncommitted work lists files, bytes and the largest", async () => {
    execFileSync("git", ["clone", "-q", bare, work]);
    writeFileSync(join(work, "uncommitted.txt"), "here\n");
    const shown = await works("preview", ...config);
    assert.match(
      shown,
      /to be sent: \d+ files, [\d.]+ kB, of .*work \(on [0-9a-f]{7}, with changes\); the largest: uv\.lock/,
    );
  });

  await t.test("it goes to the machine, and training is started again; unchanged, nothing is", async () => {
    const [before, { instanceId }] = await Promise.all([trainer(project), project.outputs()]);
    await works("up", "--skip-preview");
    const pid = await trainer(project);
    assert.notEqual(pid, before);
    assert.equal((await project.outputs()).instanceId, instanceId);
    assert.equal(await project.remote("cat /workspace/tiny-train/uncommitted.txt"), "here");
    const { source } = (await project.outputs()) as { source: { patchFile: string; base: string } };
    assert.match(readFileSync(source.patchFile, "utf8"), /uncommitted\.txt/);

    execFileSync("git", ["-C", work, "add", "-A"]);
    execFileSync("git", ["-C", work, "-c", "user.name=x", "-c", "user.email=x@y", "commit", "-qm", "x"]);
    assert.match(await works("up", "--expect-no-changes"), /unchanged/);
    assert.equal(await trainer(project), pid, "a commit that changes no file is no change");
  });

  await t.test("what is too much is refused with its largest files", async () => {
    writeFileSync(join(work, "huge.bin"), Buffer.alloc(2_000_000));
    const refused = await pulumi("preview", "-c", "maxUploadMb=1");
    assert.notEqual(refused.code, 0);
    assert.match(said(refused), /maxUploadMb: .*the largest: huge\.bin 2\.0 MB/);
  });
  await project.works("destroy");
});
