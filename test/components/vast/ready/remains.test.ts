import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { learnSecrets } from "../../../../components/lib/secrets.ts";
import { keepIn } from "../../../../components/vast/ready/connect.ts";
import { keepRemains } from "../../../../components/vast/ready/remains.ts";
import { rent } from "../../../../components/vast/rental/rental.ts";
import { clientWith, REPORT } from "../../../support/means.ts";
import { renting } from "../../../support/renting.ts";
import { request } from "../../../support/request.ts";
import { instance } from "../../../support/rows.ts";

const file = (said: readonly string[]) => /logs of instance \d+ are kept in (\S+)$/m.exec(said.join("\n"))?.[1] ?? "";

test("before a machine that failed is released, its row and its host's log are kept, and the path is told", async (t) => {
  const words = "Error: GPU error, unable to start instance.";
  const world = await renting(t, {
    faults: [{ on: "boot", do: "hostSays", words }],
    mayLive: ({ living }) => living(),
  });
  await rent(world.means, request);
  const kept = file(world.said);
  assert.ok(kept.startsWith(join(world.home, "failed")), world.said.join("\n"));
  const text = readFileSync(kept, "utf8");
  assert.match(text, /^\S+Z instance \d+: its host cannot start it: Error: GPU error/);
  assert.match(
    text,
    /== what Vast shows\n\{\n {2}"id": \d+,[\s\S]*"machineId": \d+,[\s\S]*"statusMsg": "Error: GPU error/,
  );
  assert.match(text, /== the host's log\n/);
  assert.doesNotMatch(text, /== the machine itself/, "it does not run");
});

test("a machine that runs is asked itself", async (t) => {
  const world = await renting(t, {
    logins: { isSetUp: async () => ({ gpus: { gpus: 0, said: "GPU is lost" }, hasFuse: true }) },
  });
  await assert.rejects(rent(world.means, request), /nvidia-smi finds 0/);
  assert.ok(readFileSync(file(world.said), "utf8").includes(`== the machine itself\n${REPORT}`));
});

test("what cannot be had is said, secrets are taken out, and the newest 20 are kept", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "vast-remains-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (let age = 10; age < 40; age++) writeFileSync(join(folder, `2001-01-${age}-x.txt`), "");
  const world = await renting(t);
  learnSecrets(["canary-of-the-remains"]);
  const client = clientWith(world.means.client, {
    logs: async (_id, { daemon } = {}) => {
      if (daemon) throw new Error("not now");
      return "it says canary-of-the-remains";
    },
  });
  const path = await keepRemains({ ...world.means, client, keep: keepIn(() => folder) }, instance({}), "a test");
  const text = readFileSync(path ?? "", "utf8");
  assert.match(text, /== the host's log\nit cannot be had: not now/);
  assert.match(text, /== the container's log\nit says \[secret\]/);
  assert.equal(readdirSync(folder).length, 20);
  assert.ok(!readdirSync(folder).includes("2001-01-20-x.txt") && readdirSync(folder).includes("2001-01-39-x.txt"));
});

test("where nothing can be kept the machine goes all the same", async (t) => {
  const world = await renting(t, { faults: [{ on: "boot", do: "hostSays" }], mayLive: ({ living }) => living() });
  const keep = () => {
    throw new Error("the disk is full");
  };
  await rent(world.meansWith({ keep }), request);
  assert.equal(world.living().length, 1);
  assert.doesNotMatch(world.said.join("\n"), /is kept in/);
});
