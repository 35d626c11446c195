import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type Address, typeOf } from "../../../components/pulumi/addresses.ts";
import { ledger } from "../../../simulator/index.ts";
import { HOUR, LABEL, type Noted, openNoted as open } from "../../support/noted.ts";
import { asker, findOffer, ORDER } from "../../support/simulator.ts";

/** From here on no time passes: each second of a run that goes on costs something. */
function standStill(t: TestContext, { openedAt }: Pick<Noted, "openedAt">): void {
  t.mock.timers.enable({ apis: ["Date"], now: openedAt });
}

/** A run that has moved to another machine, and lives. */
function moved(
  { happened }: Pick<Noted, "happened">,
  ids: readonly [number, number],
  api = { apiUrl: "simulator", apiKeyFile: "" },
): void {
  const facts = { gpu: "1x RTX PRO 6000 WS", gpuPerHour: 2, diskPerHour: 0.1, trafficPerGb: 0.02 };
  const whose = { run: LABEL, api, ...facts };
  happened(10, { what: "rented", instance: ids[0], ...whose });
  happened(10, { what: "ready", instance: ids[0] });
  happened(8, { what: "synced", instance: ids[0], bytes: 5e9 });
  happened(8, { what: "outbid", instance: ids[0] });
  happened(7, { what: "released", instance: ids[0] });
  happened(7, { what: "rented", instance: ids[1], ...whose });
  happened(6.5, { what: "ready", instance: ids[1] });
}

for (const columns of [80, 120])
  test(`the cost of a run over all of its machines, and of more hours, at ${columns} columns`, async (t) => {
    const opened = await open(t);
    standStill(t, opened);
    moved(opened, [91_234_567, 91_234_999]);
    const { code, out } = await opened.run(columns, "cost", "--hours", "10");
    assert.equal(code, 0);
    t.diagnostic(`\n${out}`);
    const [head = "", first = "", second = "", ...rest] = out.split("\n");
    assert.match(head, /^MACHINE +GPU +LIVED +BOOT +RUN +STOP +NET +TOTAL +VAST$/);
    // 2 h of GPUs and disk, 1 h of disk, 5 GB.
    assert.match(first, /^91234567 +1x R.* 3 h 0 min +0\.00 +4\.20 +0\.10 +0\.10 +4\.40 +\?$/);
    assert.match(second, /^91234999 .* 0\.05 +13\.65 +0\.00 +0\.00 +13\.70 +\?$/);
    assert.deepEqual(rest, ["So far: about $18.10", "Now: $2.100/h", "10 h more: $39.10 in all"]);
    assert.ok(Math.max(...out.split("\n").map(({ length }) => length)) <= columns, out);
  });

test("Vast's own charges are shown where they can be asked, and count where they are more", async (t) => {
  const opened = await open(t);
  standStill(t, opened);
  const ask = asker(opened.simulator);
  const offer = await findOffer({ ask }, {});
  const { body } = await ask("PUT", `/api/v0/asks/${offer.id}/`, { ...ORDER, price: offer.min_bid, label: LABEL });
  const id = body.new_contract as number;
  const contract = opened.simulator.world.contracts.get(id);
  // As if it had run at a price that the log has not heard of.
  contract?.meter.set({ gpu: 50, disk: 0 }, Date.now() - HOUR);
  moved(opened, [id + 1, id]);
  const { out, note } = await opened.run(80, "cost", "--json");
  const shown = JSON.parse(out);
  const [line] = ledger(opened.simulator.world).contracts;
  assert.equal(note, "");
  assert.ok(Math.abs(shown.charged - (line?.cost.total ?? 0)) < 0.1, out);
  assert.equal(shown.total, shown.charged);
  assert.deepEqual([shown.machines[0].charged, shown.machines[1].charged], [null, shown.charged]);
});

test("a key that is refused, and a Vast that is not there, leave the log's figure, and say so", async (t) => {
  const opened = await open(t);
  standStill(t, opened);
  moved(opened, [7, 8], { apiUrl: opened.simulator.url, apiKeyFile: "/nowhere/key" });
  const refused = await opened.run(80, "cost");
  assert.equal(refused.code, 0);
  assert.match(refused.out, /^So far: about \$18\.10$/m);
  assert.match(refused.note, /^Vast's own charges cannot be asked: .*\/nowhere\/key/);
  await opened.simulator.close();
  assert.match((await opened.run(80, "cost")).out, /^So far: about \$18\.10$/m);
});

test("without a log what is charged counts, and what is known at least where that cannot be asked", async (t) => {
  const outputs = { label: LABEL, apiUrl: "simulator", apiKeyFile: "" };
  const opened = await open(t);
  standStill(t, opened);
  const startedAt = new Date(opened.openedAt - 2 * HOUR).toISOString();
  const instance = { ...outputs, pricePerHour: 1.5, phase: "ready", startedAt, instanceId: "7" };
  const resource = (address: Address, values: object) => {
    return { type: typeOf(address), urn: `urn:pulumi:dev::vast-training::${typeOf(address)}::run`, outputs: values };
  };
  const resources = [resource("identity", outputs), resource("instance", instance)];
  opened.exports({ resources });
  await opened.simulator.close();
  const { out, code, note } = await opened.run(80, "cost", "-s", "dev");
  assert.equal(code, 0, note);
  assert.match(out, /^So far: at least \$3\.00$/m);
  const empty = await open(t, { resources: [] });
  assert.deepEqual(
    [(await empty.run(80, "cost")).code, (await empty.run(80, "cost")).note],
    [4, "vast-run: Stack dev has rented nothing yet"],
  );
  assert.equal((await empty.run(80, "cost", "--hours", "many")).code, 2);
});
