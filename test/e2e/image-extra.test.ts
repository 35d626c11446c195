import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { notAll } from "../support/all.ts";
import { noDocker } from "../support/docker.ts";
import { openImageProject } from "../support/image-project.ts";
import { exampleRepositoryOf, pushCommit } from "../support/project.ts";

test("an image of a folder's dependencies, with another repository in it", {
  skip: noDocker || notAll,
}, async (t: TestContext) => {
  const project = await openImageProject(t);
  const { docker, image, tags } = project;
  const bare = exampleRepositoryOf(project);
  const headOf = (branch: string) =>
    execFileSync("git", ["-C", bare, "rev-parse", branch], { encoding: "utf8" }).trim();
  const work = join(project.root, "work");
  execFileSync("git", ["clone", "-q", "-b", "jan", bare, work]);
  const beside = (commit: string) => {
    const extra = [{ url: "simulator:tiny-train", commit, path: "/workspace/beside" }];
    return ["-c", `extraRepos=${JSON.stringify(extra)}`];
  };
  const first = headOf("main");
  const config = [
    ...project.config,
    ...["-c", "source=rsync", "-c", `sourceDir=${work}`, "-c", "links={}"],
    ...["-c", "trainCommand=echo training && sleep 600"],
  ];
  const inImage = async (tag: string) => {
    await docker.login();
    const words = ["run", "--rm", `${image}:${tag}`, "git", "-C", "/workspace/beside", "rev-parse", "HEAD"];
    return docker.works(words);
  };

  await t.test("what is built is the folder's; the repository is in it, and not cloned again at launch", async () => {
    const text = await project.works("up", "--skip-preview", ...config, ...beside(first));
    assert.match(text, /will build: no image of these dependencies yet/);
    const [tag = ""] = await tags();
    assert.equal(await inImage(tag), first);
    assert.equal(await project.remote("git -C /workspace/beside rev-parse HEAD"), first);
    const layer = join(
      project.home,
      "simulator",
      "hosts",
      String((await project.outputs()).instanceId),
      "root",
      "upper",
    );
    const changed = readdirSync(join(layer, "workspace"));
    assert.ok(!changed.includes("beside"), `nothing wrote there: ${changed}`);
    assert.doesNotMatch(await project.remote("cat /workspace/logs/dependencies.log"), /Installed/);
  });

  await t.test("uncommitted code builds nothing; an uncommitted lock file does", async () => {
    appendFileSync(join(work, "README.md"), "more\n");
    assert.match(await project.works("preview", ...config), /is up to date/);
    appendFileSync(join(work, "uv.lock"), "\n# changed\n");
    assert.match(await project.works("preview", ...config), /will build: uv.lock changed/);
    execFileSync("git", ["-C", work, "checkout", "-q", "uv.lock"]);
  });

  await t.test("another commit of the other repository builds anew, and says so", async () => {
    const second = await pushCommit(bare, "main", "more");
    const shown = await project.works("preview", ...config, ...beside(second));
    assert.match(shown, /will build: \/workspace\/beside changed/);
    assert.doesNotMatch(shown, /no image of these dependencies yet/, "said once");
    const { code, stdout, stderr } = await project.run("pulumi", [
      ...["up", "-s", "local", "--yes", "--non-interactive", "--skip-preview"],
      ...["--target", "**run-image", "--target-dependents"],
    ]);
    assert.equal(code, 0, stdout + stderr);
    const built = (await tags()).filter((tag) => tag.startsWith("deps-"));
    assert.deepEqual((await Promise.all(built.map(inImage))).toSorted(), [first, second].toSorted());
  });

  await project.works("destroy", "--skip-preview");
});
