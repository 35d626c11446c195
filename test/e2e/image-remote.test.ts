import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { kill, noneLeft, processesOf } from "../kills/processes.ts";
import { noDocker } from "../support/docker.ts";
import { openImageProject, TOKEN } from "../support/image-project.ts";

const notAll = process.env.VAST_TRAINING_TEST_ALL !== "1" && "a part of npm run test:all";

const training = ["-c", "links={}", "-c", "trainCommand=echo training && sleep 600"];

test("without an engine here a rented one builds, and is released in every ending", {
  skip: noDocker || notAll,
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

  await t.test("a command that is killed in the middle of a build leaves no builder", async (inner) => {
    const mark = `KILLED_IN_TEST=${randomUUID()}`;
    // Pulumi's own, of a command that was killed.
    inner.after(() =>
      kill(
        processesOf(mark).map(({ pid }) => pid),
        "SIGKILL",
      ),
    );
    const words = ["up", "-s", "local", "--non-interactive", "--yes", "--skip-preview"];
    const builds = Promise.withResolvers<void>();
    const up = project.start("pulumi", [...words, ...config, "-c", "imageBase=sys:1"], {
      env: { KILLED_IN_TEST: mark.split("=")[1] },
      onLine: (line) => {
        if (line.includes("Starting Docker build")) builds.resolve();
      },
    });
    await Promise.race([builds.promise, up.result]);
    assert.equal(await living(), 1);
    up.kill();
    await up.result;
    while ((await living()) > 0) await sleep(200);
    await noneLeft(mark, ({ role }) => role === "provider" || role === "command", 60_000);
    await project.run("pulumi", ["cancel", "-s", "local", "--yes", "--non-interactive"]);
  });

  await t.test("up builds on a virtual machine in a datacenter, releases it, and trains with the image", async () => {
    const before = (await rented()).length;
    const text = await project.works("up", "--skip-preview", ...config, "-c", "imageBase=sys:1");
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
    const ended = await project.run("pulumi", [
      "destroy",
      "-s",
      "local",
      "--yes",
      "--non-interactive",
      "--skip-preview",
    ]);
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    assert.equal(await living(), 0);
  });
});
