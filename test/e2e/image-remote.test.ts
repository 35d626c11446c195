import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { projectDir } from "../../scripts/lib/workspace.ts";
import { kill, noneLeft, processesOf } from "../kills/processes.ts";
import { notAll } from "../support/all.ts";
import { noDocker } from "../support/docker.ts";
import { openImageProject, pushFile, TOKEN } from "../support/image-project.ts";
import { exampleRepositoryOf } from "../support/project.ts";

const git = promisify(execFile);

const training = ["-c", "links={}", "-c", "trainCommand=echo training && sleep 600"];

test("without an engine here a rented one builds, and is released in every ending", {
  skip: noDocker || notAll,
  timeout: 900_000,
}, async (t: TestContext) => {
  const project = await openImageProject(t, "remote");
  const { simulator, tags } = project;
  const config = [...project.config, ...training];
  const rented = async () => (await simulator.ledger()).contracts;
  const living = async () => (await simulator.ledger()).living;

  await t.test("a preview rents nothing", async () => {
    assert.match(await project.works("preview", ...config), /will build/);
    assert.deepEqual(await rented(), []);
  });

  await t.test("a build that fails says its last lines, and ends the builder", async () => {
    const { code, stdout, stderr } = await project.pulumi(
      "up",
      "--skip-preview",
      ...config,
      "-c",
      "imageBase=nothing:1",
    );
    const text = stdout + stderr;
    assert.notEqual(code, 0);
    assert.match(text, /the image could not be built:[\s\S]*nothing/);
    assert.match(text, /builder \d+ is released/);
    assert.equal((await rented()).length, 1, "no machine to train on");
    assert.equal(await living(), 0);
  });

  /** A build that goes on until it is ended. */
  const hanging = [...project.config, ...training, "-c", "branch=hanging"];
  await git("git", ["-C", exampleRepositoryOf(project), "branch", "hanging", "jan"]);
  await pushFile(project, "hanging", "vast.Dockerfile", () => "FROM sys:1\nRUN echo it hangs && sleep 600\n");

  /** Starts a command and waits until its build hangs. */
  async function untilItHangs(inner: TestContext, file: string, words: readonly string[]) {
    const mark = `KILLED_IN_TEST=${randomUUID()}`;
    // Pulumi's own, of a command that was killed.
    inner.after(() =>
      kill(
        processesOf(mark).map(({ pid }) => pid),
        "SIGKILL",
      ),
    );
    const [hangs, isCancelling] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const command = project.start(file, words, {
      env: { KILLED_IN_TEST: mark.split("=")[1] },
      onLine: (line) => {
        if (/it hangs/.test(line)) hangs.resolve();
        if (/\^C received; cancelling/.test(line)) isCancelling.resolve();
      },
    });
    await Promise.race([hangs.promise, command.result.then(({ stdout, stderr }) => assert.fail(stdout + stderr))]);
    assert.equal(await living(), 1);
    return { command, mark, cancelling: isCancelling.promise };
  }

  const up = ["up", "-s", "local", "--non-interactive", "--yes", "--skip-preview", ...hanging];
  const script = join(projectDir, "scripts/image.ts");
  const unlock = () => project.run("pulumi", ["cancel", "-s", "local", "--yes", "--non-interactive"]);
  const destroy = () => project.works("destroy", "--skip-preview");

  await t.test("a build that takes too long is ended with its builder", async () => {
    const words = ["--skip-preview", ...hanging, "-c", "builderMaxMinutes=1"];
    const { code, stdout, stderr } = await project.pulumi("up", ...words);
    assert.notEqual(code, 0);
    assert.match(stdout + stderr, /not done within 1 minute \(builderMaxMinutes\): the build was called off/);
    assert.match(stdout + stderr, /builder \d+ is released/);
    assert.equal(await living(), 0);
    await project.run("pulumi", ["config", "rm", "builderMaxMinutes", "-s", "local"]);
  });

  await t.test("a command that is killed in the middle of a build leaves no builder", async (inner) => {
    const { command, mark } = await untilItHangs(inner, "pulumi", up);
    command.kill();
    await command.result;
    while ((await living()) > 0) await sleep(200);
    await noneLeft(mark, ({ role }) => role === "provider" || role === "command", 60_000);
    await unlock();
  });

  await t.test("with its provider the build ends; a destroy ends the builder", async (inner) => {
    const { command, mark } = await untilItHangs(inner, "pulumi", up);
    kill(
      processesOf(mark)
        .filter(({ role }) => role === "provider")
        .map(({ pid }) => pid),
      "SIGKILL",
    );
    const { code, stdout, stderr } = await command.result;
    assert.notEqual(code, 0);
    assert.match(stdout + stderr, /instance (\d+) \(vt-.*-builder-.*still there.*vastai destroy instance \1/);
    await noneLeft(mark, () => true, 60_000);
    assert.equal(await living(), 1);
    const told = await project.pulumi("preview", ...config, "-c", "branch=jan");
    assert.match(told.stdout + told.stderr, /ended while it was renting vt-\S+-builder-\S+ \(instance \d+, up to/);
    await destroy();
    assert.equal(await living(), 0);
  });

  await t.test(
    "who does not wait for the end of a build is told what is left, and the next up ends it",
    async (inner) => {
      const { command, mark, cancelling } = await untilItHangs(inner, "pulumi", up);
      command.signal("SIGINT");
      await cancelling;
      command.signal("SIGINT");
      const { code, stdout, stderr } = await command.result;
      assert.notEqual(code, 0);
      assert.match(stdout + stderr, /interrupted: instance (\d+) \(vt-.*still there.*vastai destroy instance \1/);
      await noneLeft(mark, () => true, 60_000);
      assert.equal(await living(), 1);
      await unlock();
      const failing = await project.pulumi(
        "up",
        "--skip-preview",
        ...config,
        "-c",
        "branch=jan",
        "-c",
        "imageBase=no:1",
      );
      assert.notEqual(failing.code, 0);
      assert.equal(await living(), 0);
      await destroy();
    },
  );

  await t.test("npm run image: ^C ends the builder; after a kill the next one does", async (inner) => {
    await project.run("pulumi", ["config", "set", "branch", "hanging", "-s", "local"]);
    const first = await untilItHangs(inner, "node", [script, "-s", "local"]);
    first.command.signal("SIGINT");
    const { code, stdout } = await first.command.result;
    assert.notEqual(code, 0);
    assert.match(stdout, /builder \d+ is released/);
    assert.equal(await living(), 0);
    await noneLeft(first.mark, () => true, 60_000);
    const second = await untilItHangs(inner, "node", [script, "-s", "local"]);
    second.command.signal("SIGKILL");
    await second.command.result;
    await noneLeft(second.mark, () => true, 60_000);
    assert.equal(await living(), 1);
    const told = await project.pulumi("preview", ...config, "-c", "branch=jan", "-c", "imageBase=no:1");
    assert.match(told.stdout + told.stderr, /renting vt-\S+-image-\S+ .*settle it with: vast-run sweep --destroy/);
    const third = await project.run("node", [script, "-s", "local"]);
    assert.match(third.stdout, /releasing what an earlier build has left/);
    assert.equal(await living(), 0);
  });

  await t.test("up builds on a virtual machine in a datacenter, releases it, and trains with the image", async () => {
    const before = (await rented()).length;
    const text = await project.works("up", "--skip-preview", ...config, "-c", "branch=jan", "-c", "imageBase=sys:1");
    assert.match(text, /builder \d+ is released/);
    const orders = (await project.requests()).filter(({ method, path }) => method === "PUT" && path.includes("/asks/"));
    const [builder, machine] = orders.slice(-2).map(({ body }) => body as { image: string; vm?: boolean });
    assert.deepEqual([builder?.vm, machine?.vm], [true, undefined]);
    assert.match(builder?.image ?? "", /^docker\.io\/vastai\/kvm:/);
    assert.match(machine?.image ?? "", /@sha256:/);
    const contracts = (await rented()).slice(before);
    assert.deepEqual(
      contracts.map(({ destroyedAt }) => destroyedAt !== null),
      [true, false],
    );
    const traffic = (contracts[0] as unknown as { traffic: { downGb: number; upGb: number } }).traffic;
    t.diagnostic(`bytes to the builder ${Math.round(traffic.downGb * 1e9)}, from it ${Math.round(traffic.upGb * 1e9)}`);
    assert.equal((await tags()).length, 2);
    assert.doesNotMatch(text, new RegExp(TOKEN));
  });

  await t.test("while the tag exists no builder is rented", async () => {
    const before = (await rented()).length;
    assert.match(await project.works("up", "--skip-preview", ...config), /is up to date/);
    assert.equal((await rented()).length, before);
  });

  await t.test("destroy ends all", async () => {
    await destroy();
    assert.equal(await living(), 0);
  });
});
