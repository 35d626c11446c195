import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { isAll } from "../../support/all.ts";
import { openProject } from "../../support/project.ts";

const isRoot = process.getuid?.() === 0 && process.platform === "linux";

/** A state whose instance costs something else now, and was rented for this. */
const priced = (rented: unknown) => new RegExp(`"pricePerHour": (?!${rented})[\\s\\S]*"rentedPerHour": ${rented},`);

test("another price changes nothing, and a machine that is gone is said in one line before any step fails", {
  skip: isRoot && isAll ? false : "it takes long, and the simulator's machines need root on Linux",
}, async (t: TestContext) => {
  const project = await openProject(t);
  const { simulator } = project;
  await project.works("up", "--skip-preview");
  const before = await project.outputs();

  await t.test("a refresh shows the price of the day, and the next preview lists nothing", async () => {
    const { status } = await fetch(`${simulator.url}/api/v0/instances/bid_price/${before.instanceId}/`, {
      method: "PUT",
      headers: { authorization: `Bearer ${simulator.apiKey}`, "content-type": "application/json" },
      body: JSON.stringify({ client_id: "me", price: Number(before.pricePerHour) }),
    });
    assert.equal(status, 200);
    const shown = await project.works("refresh");
    assert.match(shown, new RegExp(`instance ${before.instanceId} costs \\$[\\d.]+/h now, before \\$[\\d.]+/h`));
    assert.match((await project.run("pulumi", ["stack", "export", "-s", "local"])).stdout, priced(before.pricePerHour));
    await project.works("preview", "--expect-no-changes");
  });

  await t.test(
    "destroyed by other hands: up with new code fails at once, in one line that names the way on",
    async () => {
      await simulator.post(`/_sim/instances/${before.instanceId}/vanish`, {});
      const { code, stdout, stderr } = await project.pulumi("up", "--skip-preview", "-c", "branch=main");
      const text = stdout + stderr;
      assert.notEqual(code, 0);
      assert.match(
        text,
        new RegExp(`instance ${before.instanceId} is gone at Vast; pulumi up --refresh rents a new one`),
      );
      assert.doesNotMatch(text, /dial|connection refused|\n\s+at .*\.ts:\d+/);
      assert.equal((await simulator.ledger()).contracts.length, 1, "nothing is rented unasked");
    },
  );

  await t.test("up --refresh rents anew and trains there", async () => {
    await project.works("up", "--refresh", "--skip-preview", "-c", "branch=main");
    const after = await project.outputs();
    assert.notEqual(after.instanceId, before.instanceId);
    assert.equal(await project.remote("git -C /workspace/tiny-train rev-parse HEAD"), after.commit);
    const { contracts, living } = await simulator.ledger();
    assert.deepEqual([contracts.length, living], [2, 1]);
  });

  await project.works("destroy");
});
