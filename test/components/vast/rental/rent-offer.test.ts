import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { isStranded } from "../../../../components/vast/journal/trouble.ts";
import type { Means } from "../../../../components/vast/ready/means.ts";
import { rent } from "../../../../components/vast/rental/rental.ts";
import { noGate, releaseAll } from "../../../../components/vast/rental/settle.ts";
import { clientWith } from "../../../support/means.ts";
import { openIntents, renting, type World } from "../../../support/renting.ts";
import { label, request } from "../../../support/request.ts";
import { needsRoot } from "../../../support/sshd.ts";

const RENT = "PUT /asks/{id}/";

/** The journal of a world on a disk of its own, which fills up or can be written no more when it is told to. */
async function withDisk(world: World, action: (disk: Disk) => Promise<void>): Promise<void> {
  const dir = join(world.home, "journal");
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", dir]);
  const filler = join(dir, "filler");
  try {
    world.journal.begin(label);
    await action({
      dir,
      fill: () => {
        assert.throws(() => writeFileSync(filler, Buffer.alloc(100_000)), /ENOSPC/);
      },
      lock: () => void execFileSync("mount", ["-o", "remount,ro", dir]),
      mend: () => {
        execFileSync("mount", ["-o", "remount,rw", dir]);
        if (existsSync(filler)) rmSync(filler);
      },
    });
  } finally {
    execFileSync("umount", [dir]);
  }
}

interface Disk {
  readonly dir: string;
  fill(): void;
  lock(): void;
  mend(): void;
}

/** Something happens to the disk once the rental has left and before its answer is noted. */
function afterRental(world: World, happen: () => void): Means {
  const { client } = world.means;
  return world.meansWith({
    client: clientWith(client, {
      rent: async (offerId, order, leave) => {
        try {
          return await client.rent(offerId, order, leave);
        } finally {
          happen();
        }
      },
    }),
  });
}

const nothing = (world: World) => [world.living(), openIntents(world)];

for (const [what, fault] of [
  ["answered", undefined],
  ["not answered, and found by its label", "resetAfter"],
  ["refused, and booked all the same", "createdStopped"],
] as const) {
  test(
    `the disk is full after a rental that is ${what}: the machine is released and confirmed gone`,
    needsRoot,
    async (t) => {
      const world = await renting(t, { faults: fault === undefined ? [] : [{ on: RENT, do: fault }] });
      await withDisk(world, async ({ fill, mend, dir }) => {
        await assert.rejects(rent(afterRental(world, fill), request), /no room is left on its disk/);
        assert.equal(world.requests(RENT), 1, "and no other is rented");
        assert.deepEqual(world.living(), []);
        assert.deepEqual(
          readdirSync(dir).filter((name) => !/\.json$|^filler$/.test(name)),
          [],
          "no draft is left to fill it",
        );
        mend();
        await releaseAll(world.means, label, noGate);
        assert.deepEqual(nothing(world), [[], []]);
      });
    },
  );
}

test(
  "the disk can be written no more after a rental: released, and the next run settles what is open",
  needsRoot,
  async (t) => {
    const world = await renting(t);
    await withDisk(world, async ({ lock, mend }) => {
      await assert.rejects(
        rent(afterRental(world, lock), request),
        /could not be noted, and is released again.*read-only/,
      );
      assert.deepEqual(world.living(), []);
      mend();
      await releaseAll(world.means, label, noGate);
      assert.deepEqual(nothing(world), [[], []]);
    });
  },
);

test("the disk is full and the machine cannot be released: it is thrown with what ends it", needsRoot, async (t) => {
  const refused = { on: "DELETE /instances/{id}/", do: "authError401", times: 0 };
  const world = await renting(t, { faults: [refused] });
  await withDisk(world, async ({ fill, mend }) => {
    const error: unknown = await rent(afterRental(world, fill), request).catch((reason: unknown) => reason);
    assert.ok(isStranded(error), String(error));
    assert.ok(error.message.includes(`vastai destroy instance ${world.living()[0]}`), error.message);
    mend();
    world.simulator.world.faults.clear();
    await releaseAll(world.means, label, noGate);
  });
});

test("the disk is full before a rental: nothing is rented", needsRoot, async (t) => {
  const world = await renting(t);
  await withDisk(world, async ({ fill }) => {
    fill();
    await assert.rejects(rent(world.means, request), /no room is left on its disk/);
    assert.equal(world.requests(RENT), 0);
  });
});

test("the disk is full when an intent is closed: it is closed, and less is known", needsRoot, async (t) => {
  const world = await renting(t);
  await withDisk(world, async ({ fill }) => {
    const { instance } = await rent(world.means, request);
    fill();
    world.journal.closeInstance(instance.id);
    assert.deepEqual([openIntents(world), world.journal.isKnown(label)], [[], false]);
    await releaseAll(world.means, label, noGate);
    assert.deepEqual(nothing(world), [[], []]);
  });
});

test(
  "the disk is full when a machine of an earlier run is taken over: it gets into the state",
  needsRoot,
  async (t) => {
    const world = await renting(t);
    await withDisk(world, async ({ fill }) => {
      const { instance } = await rent(world.means, request);
      world.journal.closeInstance(instance.id);
      fill();
      const error: unknown = await rent(world.means, request).catch((reason: unknown) => reason);
      assert.ok(isStranded(error), String(error));
      assert.deepEqual([error.instance.id, error.givenUp], [instance.id, false]);
      await releaseAll(world.means, label, noGate);
    });
  },
);
