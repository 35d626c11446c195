import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { projectOf } from "../../../cli/fleet/project.ts";
import { main } from "../../../cli/main.ts";
import { typeOf } from "../../../components/pulumi/addresses.ts";
import { fakeTerminal } from "../../support/fake-terminal.ts";
import { LABEL, type Noted, openNoted } from "../../support/noted.ts";
import { asker, findOffer, ORDER } from "../../support/simulator.ts";

/** A time of day, with the day in front where midnight has passed since. */
const TIME = "(\\w{3} \\d\\d )?\\d\\d:\\d\\d";
/** How long ago, on a slow machine too. */
const AGE = "\\d+ (s|min) ago";

const SIMULATOR = { apiUrl: "simulator", apiKeyFile: "" };

/** A run whose machine is up at Vast, and whose state names it; nobody answers at its ssh ports. */
async function openRun(t: TestContext, api = SIMULATOR) {
  const noted = await openNoted(t);
  const ask = asker(noted.simulator);
  const offer = await findOffer({ ask }, {});
  const { body } = await ask("PUT", `/api/v0/asks/${offer.id}/`, { ...ORDER, price: offer.min_bid, label: LABEL });
  const id = body.new_contract as number;
  const accountId = String(noted.simulator.world.account.id);
  const outputs = { ...api, instanceId: id, label: LABEL, accountId, phase: "ready" };
  const urn = "urn:pulumi:dev::vast-training::x::run";
  noted.exports({ resources: [{ type: typeOf("instance"), id: String(id), urn, outputs }] });
  noted.happened(2, {
    what: "rented",
    run: LABEL,
    instance: id,
    api,
    gpu: "1x H100 SXM",
    gpuPerHour: 2,
    diskPerHour: 0.1,
  });
  noted.happened(1.9, { what: "ready", instance: id });
  noted.happened(1.8, { what: "started", instance: id });
  noted.happened(1.7, { what: "first line", instance: id });
  const phase = async () => (await ask("GET", `/api/v0/instances/${id}/`)).body.instances?.actual_status;
  while ((await phase()) !== "running") await new Promise((resolve) => setTimeout(resolve, 50));
  return { ...noted, ask, id };
}

const kinds = ({ log }: Pick<Noted, "log">) => log.read().events.map(({ what }) => what);

test("with a network, and a machine that lets nobody in", async (t) => {
  const run = await openRun(t);
  const { out, code, note } = await run.run(80, "status", "-s", "dev");
  assert.deepEqual([code, note], [0, ""]);
  assert.match(out, new RegExp(`^phase +training since ${TIME}$`, "m"));
  assert.match(out, /^machine +unknown: instance \d+: no login over ssh/m);
  assert.match(out, /^cost +about \$\d\.\d\d, \$\d\.\d{3}\/h now$/m);
  assert.match(out, /^bid +\$\d\.\d{3}\/h; the market takes \$\d\.\d{3}\/h; on demand \$\d\.\d{3}\/h$/m);
  assert.match(out, /^lease +none/m);
  assert.ok(
    out.split("\n").every(({ length }) => length <= 80),
    out,
  );
});

test("that it was outbid, came back and went away is seen at Vast, and noted once", async (t) => {
  const run = await openRun(t);
  const happen = (what: string, body: object = {}) => run.ask("POST", `/_sim/instances/${run.id}/${what}`, body, null);
  await happen("outbid");
  const outbid = JSON.parse((await run.run(80, "status", "--json")).out);
  assert.equal(outbid.phase, "outbid");
  assert.deepEqual(outbid.next[0], ["pulumi up --refresh -s dev", "bids again"]);
  await run.run(80, "status");
  assert.deepEqual(kinds(run).slice(4), ["outbid"]);
  await happen("vanish");
  const gone = new RegExp(`^phase +gone, at the latest since ${TIME}: Vast knows no such`, "m");
  assert.match((await run.run(80, "status")).out, gone);
  assert.deepEqual(kinds(run).slice(5), ["released"]);
  // The state still names it, so the next one looks again.
  const again = JSON.parse((await run.run(80, "status", "--json")).out);
  assert.deepEqual([again.phase, again.perHour], ["gone", 0]);
  assert.deepEqual(kinds(run).slice(5), ["released"]);
});

test("a machine that the key cannot see is not gone while nobody knows whose key rented it", async (t) => {
  const run = await openRun(t);
  run.exports({ resources: [] });
  await run.ask("POST", `/_sim/instances/${run.id}/vanish`, {}, null);
  const { out } = await run.run(80, "status", "-s", "dev");
  assert.match(out, /^phase +training since/m);
  assert.match(out, /^vast +cannot be asked, .*cannot\n? *be seen/ms);
  assert.ok(!kinds(run).includes("released"));
});

test("a key that is refused leaves what was noted, and nothing counts as gone", async (t) => {
  const keyFile = join((await openNoted(t)).folder, "key");
  writeFileSync(keyFile, `${"f".repeat(64)}\n`, { mode: 0o600 });
  const run = await openRun(t);
  const api = { apiUrl: run.simulator.url, apiKeyFile: keyFile };
  run.happened(1.6, { what: "rented", run: LABEL, instance: run.id, api, gpuPerHour: 2, diskPerHour: 0.1 });
  run.happened(1.5, { what: "first line", instance: run.id });
  const { out, code } = await run.run(80, "status");
  assert.equal(code, 0);
  assert.match(out, /^phase +training since/m);
  assert.match(out, /^vast +cannot be asked, what is shown was noted here: \S/m);
  assert.match(out, /^bid +unknown/m);
  assert.ok(!kinds(run).includes("released"));
});

test("without a network what was seen before is shown with its age", async (t) => {
  const run = await openRun(t);
  await main(["status", "-s", "dev"], fakeTerminal({ env: { ...run.env, PATH: "/usr/bin:/bin" } })); // there is no pulumi
  await run.simulator.close();
  const { out, code } = await run.run(80, "status");
  assert.equal(code, 0);
  assert.match(out, /^phase +training since/m);
  assert.match(out, new RegExp(`^vast +cannot be asked, it was asked last ${AGE}: `, "m"));
  assert.match(out, new RegExp(`^bid +\\$\\d\\.\\d{3}/h; .* \\(${AGE}\\)$`, "m"));
});

test("the first screen is there before anybody was asked: the stack from Pulumi's own file, the rest from the log", async (t) => {
  const run = await openRun(t);
  run.happened(0, { what: "quoted", stack: "other" });
  const asked = run.simulator.world.requests.length;
  const hash = createHash("sha1")
    .update(join(projectOf("/"), "Pulumi.yaml"))
    .digest("hex");
  const file = join(run.folder, ".pulumi", "workspaces", `vast-training-${hash}-workspace.json`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify({ stacks: { "file:///b": "organization/vast-training/dev" } }));
  const screens: { readonly text: string; readonly requests: number }[] = [];
  const paint = (lines: readonly string[]) =>
    screens.push({ text: lines.join("\n"), requests: run.simulator.world.requests.length - asked });
  const env = { ...run.env, PULUMI_BACKEND_URL: "file:///b", PATH: "/usr/bin:/bin" }; // there is no pulumi
  const terminal = fakeTerminal({ env, columns: 80, paint });
  assert.equal(await main(["status"], terminal), 0);
  assert.deepEqual([terminal.written, screens[0]?.requests], [[], 0]);
  assert.match(screens[0]?.text ?? "", /^run +dev, instance \d+, 1x H100 SXM\nphase +training since .*\nmachine +…\n/);
  assert.match(screens.at(-1)?.text ?? "", /^bid +\$/m);
  assert.match(screens.at(-1)?.text ?? "", /^machine +unknown: The Pulumi CLI is not there/m);
});

test("--all has a line for each stack that has rented or quoted", async (t) => {
  const run = await openRun(t);
  run.happened(5, {
    what: "rented",
    run: "vt-abcdefgh-vast-training-old-run-1",
    stack: "old",
    instance: 1,
    gpuPerHour: 1,
    diskPerHour: 0.1,
  });
  run.happened(4, { what: "released", run: "vt-abcdefgh-vast-training-old-run-1", stack: "old", instance: 1 });
  run.happened(0, { what: "quoted", stack: "new", gpu: "8x H200" });
  await run.ask("POST", `/_sim/instances/${run.id}/outbid`, {}, null);
  const { out, code } = await run.run(80, "status", "--all");
  assert.equal(code, 0);
  const [head = "", ...rows] = out.split("\n");
  assert.match(head, /^STACK +PHASE +SINCE +INSTANCE +GPU +COST +\$\/H$/);
  assert.deepEqual(
    rows.map((row) => row.split(/ +/).slice(0, 2)),
    [
      ["dev", "outbid"],
      ["new", "quoted"],
      ["old", "released"],
    ],
  );
  assert.match(rows[2] ?? "", / 0\.10 +0\.000$/);
  const all = JSON.parse((await run.run(80, "status", "--all", "--json")).out);
  assert.deepEqual(
    all.map(({ phase }: { phase: string }) => phase),
    ["outbid", "quoted", "released"],
  );
  await run.simulator.close();
  assert.match((await run.run(80, "status", "--all")).out, /^dev +outbid .*[\s\S]*^dev: \S/m);
});

test("a stack that has done nothing yet, and --watch without a terminal", async (t) => {
  const { run } = await openNoted(t, { resources: [] });
  assert.match(
    (await run(80, "status")).out,
    /^run +dev\nphase +nothing yet\ncost +nothing so far\nnext +pulumi preview -s dev/,
  );
  assert.equal((await run(80, "status", "--watch")).code, 2);
});
