import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { makeRepository } from "../components/remote/box.ts";
import { isAll, notAll } from "../support/all.ts";
import { gitOverHttp, gitOverSsh } from "../support/code-place.ts";
import { exampleRepositoryOf, openProject, type Project } from "../support/project.ts";
import { runOutputs } from "../support/run-outputs.ts";
import { canaryOf, found, foundBelow, watchFor } from "./canaries.ts";

const isRoot = process.getuid?.() === 0 && process.platform === "linux";
const needsRoot = isRoot ? false : "the simulator's machines need root on Linux";

const PLAIN = "pytorch/pytorch:2.6.0-cuda12.6-cudnn9-devel";

const trainer = (project: Project) => project.remote("pgrep -f -o '^[^ ]*python[^ ]* src/train.py'");

/** How often somebody was let in at the only machine, by its own sshd; seen from its host, so without a login. */
async function logins(project: Project): Promise<number> {
  const { instanceId } = await project.outputs();
  const log = join(project.home, "simulator", "hosts", String(instanceId), "root", "upper", "var", "log", "sshd.log");
  return readFileSync(log, "utf8")
    .split("\n")
    .filter((line) => line.startsWith("Accepted ")).length;
}

async function figures(project: Project): Promise<string> {
  const { secondsToFirstLine } = await runOutputs(project, "local");
  return `${secondsToFirstLine} s to the first line, ${await logins(project)} connections`;
}

const said = ({ stdout, stderr }: { stdout: string; stderr: string }) => stdout + stderr;

test("a private repository, then uncommitted work, on one machine", { skip: needsRoot }, async (t: TestContext) => {
  const { project, bare } = await withExample(t);
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
    t.diagnostic(`upload: ${await figures(project)}`);
    assert.equal(await project.remote("git -C /workspace/tiny-train rev-parse HEAD"), commit);
    assert.equal(await project.remote("git -C /workspace/tiny-train remote"), "", "the machine knows no server");
  });

  const work = join(project.root, "work");
  const config = ["-c", "source=rsync", "-c", `sourceDir=${work}`, "-c", "exclude=notes/"];
  await t.test("preview of uncommitted work lists files, bytes and the largest", async () => {
    execFileSync("git", ["clone", "-q", bare, work]);
    writeFileSync(join(work, "uncommitted.txt"), "here\n");
    const before = await logins(project);
    const shown = await works("preview", ...config);
    assert.ok((await logins(project)) <= before + 1, "it looks once what training does, and sends nothing");
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
    const since = await logins(project);
    assert.match(await works("up", "--skip-preview", "--expect-no-changes"), /unchanged/);
    assert.equal(await logins(project), since, "no connection was opened");
    assert.equal(await trainer(project), pid, "a commit that changes no file is no change");
  });

  await t.test("what is too much is refused with its largest files", { skip: notAll }, async () => {
    writeFileSync(join(work, "huge.bin"), Buffer.alloc(2_000_000));
    const refused = await pulumi("preview", "-c", "maxUploadMb=1");
    assert.notEqual(refused.code, 0);
    assert.match(said(refused), /maxUploadMb: .*the largest: huge\.bin 2\.0 MB/);
  });
  await project.works("destroy");
});

/** A project whose example repository is there to be cloned: the simulator makes it when it is asked for first. */
async function withExample(t: TestContext): Promise<{ project: Project; bare: string }> {
  const project = await openProject(t);
  const { repos } = JSON.parse(readFileSync(join(project.home, "simulator", "runtime.json"), "utf8"));
  execFileSync("git", ["ls-remote", repos["tiny-train"]]);
  return { project, bare: exampleRepositoryOf(project) };
}

test("with a token and with an agent the machine fetches itself; the token is nowhere afterwards, however loud Pulumi is", {
  skip: !isRoot || !isAll,
}, async (t: TestContext) => {
  const { project, bare } = await withExample(t);
  const token = "ghp_onlyForThisTest0123456789abcdef";
  const canaries = [canaryOf("GITHUB_TOKEN", token)];
  writeFileSync(join(project.root, "env"), `GITHUB_TOKEN=${token}\n`);
  const url = await gitOverHttp(t, dirname(bare), token);
  const watch = watchFor(canaries, join(project.root, "tmp"));
  const config = ["-c", `repo=${url("tiny-train")}`, "-c", "gitAuth=token"];
  const loud = ["--logtostderr", "--logflow", "-v=9"];
  const up = await project.pulumi("up", "--skip-preview", ...config, ...loud);
  assert.equal(up.code, 0, said(up).slice(-3000));
  assert.deepEqual(found(canaries, said(up)), [], "what up says");
  const { commit } = await project.outputs();
  t.diagnostic(`token: ${await figures(project)}`);
  assert.equal(await project.remote("git -C /workspace/tiny-train rev-parse HEAD"), commit);
  assert.deepEqual(
    foundBelow(project.root, canaries, (path) => path === "env"),
    [],
  );
  assert.deepEqual(watch.stop(), []);

  const server = await gitOverSsh(t, "/");
  const { SSH_AUTH_SOCK, GIT_SSH_COMMAND } = process.env;
  const words = ["-s", "local", "--non-interactive", "-c", `repo=${server.url(bare)}`, "-c", "gitAuth=agent"];
  await project.works("destroy");
  const agent = await project.run("pulumi", ["up", "--yes", "--skip-preview", ...words], {
    env: { SSH_AUTH_SOCK, GIT_SSH_COMMAND },
  });
  assert.equal(agent.code, 0, said(agent));
  assert.match(
    said(agent),
    /whoever owns the machine can log in elsewhere with your ssh agent's keys while it fetches/,
  );
  t.diagnostic(`agent: ${await figures(project)}`);
  await project.works("destroy");
});

test("on a plain image uncommitted work brings its own tools and all dependencies", {
  skip: !isRoot || !isAll,
}, async (t: TestContext) => {
  const { project, bare } = await withExample(t);
  const work = join(project.root, "work");
  execFileSync("git", ["clone", "-q", bare, work]);
  // The image has no reference, so it comes along.
  const reference = join(project.root, "reference.git");
  const [commit] = makeRepository(reference, "main", { "datasets/README": "" });
  const server = await gitOverSsh(t, "/");
  const { SSH_AUTH_SOCK, GIT_SSH_COMMAND } = process.env;
  const extra = JSON.stringify([{ url: server.url(reference), commit, path: "/workspace/ao_reference" }]);
  const words = [`image=${PLAIN}`, "source=rsync", `sourceDir=${work}`, `extraRepos=${extra}`].flatMap((word) => [
    "-c",
    word,
  ]);
  const up = await project.run(
    "pulumi",
    ["up", "-s", "local", "--non-interactive", "--yes", "--skip-preview", ...words],
    {
      env: { SSH_AUTH_SOCK, GIT_SSH_COMMAND },
    },
  );
  assert.equal(up.code, 0, said(up));
  assert.match(said(up), /dependencies: uv\.lock, 1 package; uv [\d.]+, unless the image has one/);
  t.diagnostic(`rsync, plain image: ${await figures(project)}`);
  assert.match(await project.remote("ls /workspace/.uv/bin"), /uv/);
  await trainer(project);
  await project.works("destroy");

  await project.works("up", "--skip-preview", "-c", "image=japhba/cot-oracle", "-c", "extraRepos=[]");
  t.diagnostic(`rsync: ${await figures(project)}`);
  await project.works("destroy");
  await project.works("up", "--skip-preview", "-c", "source=git");
  t.diagnostic(`none: ${await figures(project)}`);
  await project.works("destroy");
});
