import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, type TestContext, test } from "node:test";
import { openStateDir } from "../../../components/lib/state-dir.ts";
import { typeOf } from "../../../components/pulumi/addresses.ts";
import { type Fleet, openFleet } from "../../support/fleet.ts";

const LIST = "GET /api/v1/instances/";

/** What each line of a table says of the machine with this id; undefined = it is not there. */
function rowOf(out: string, id: number): string | undefined {
  return out.split("\n").find((line) => line.startsWith(`${id} `));
}

/** One machine of every kind. */
async function everyKind(t: TestContext) {
  const fleet = await openFleet(t);
  const { label, owner } = fleet;
  const labels = {
    held: label("dev"),
    old: label("dev"),
    lost: label("dev"),
    died: label("dev"),
    living: label("dev"),
  };
  const ids = {
    held: await fleet.rent(labels.held),
    old: await fleet.rent(labels.old),
    lost: await fleet.rent(labels.lost),
    died: await fleet.rent(labels.died),
    living: await fleet.rent(labels.living),
    // Begins like this owner's, and has the same project and stack.
    longer: await fleet.rent(label("dev", `${owner}x`)),
    other: await fleet.rent(label("dev", "zzzzzzzz")),
    prefixed: await fleet.rent(`vt-${owner}`),
    unlabelled: await fleet.rent(null),
    foreign: await fleet.rent("my jupyter"),
  };
  fleet.stack("dev", [{ id: ids.held, label: labels.held }]);
  fleet.stack("prod", [{ id: ids.old, label: labels.old, delete: true }]);
  fleet.intent(labels.died, { process: "dead", untouched: true });
  fleet.intent(labels.living, { process: "alive" });
  fleet.env.VAST_DISCARD_CHECKPOINTS = String(ids.lost);
  return { fleet, ids, labels };
}

// They wait for the pace of Vast's list most of the time, so they wait together.
suite("sweep", { concurrency: true }, () => {
  test("a sweep tells this owner's machines that nobody holds, and only those", async (t) => {
    const { fleet, ids } = await everyKind(t);
    const { code, out, note } = await fleet.sweep();
    assert.equal(code, 3);
    assert.match(
      rowOf(out, ids.held) ?? "",
      /vast-training-dev-run +1x H100 SXM .* \d\.\d{3} +about \$\d\.\d\d +stack dev$/,
    );
    assert.match(rowOf(out, ids.old) ?? "", / stack prod$/, "what waits for its deletion is held");
    assert.match(rowOf(out, ids.lost) ?? "", / nobody$/);
    assert.match(rowOf(out, ids.died) ?? "", / nobody \(process \d+ died renting it\)$/);
    assert.match(rowOf(out, ids.living) ?? "", / process \d+, renting it now$/);
    for (const id of [ids.longer, ids.other, ids.prefixed, ids.unlabelled, ids.foreign])
      assert.ok(!out.includes(String(id)));
    assert.match(note, /No stack holds 2 of them/);
    assert.match(note, new RegExp(`${ids.lost}: vast-run sweep --destroy ${ids.lost}\n`));
    assert.match(note, /Nothing is fetched from a machine that is swept/);
    assert.match(note, /Not shown: 3 machines of other owners \(--all-owners/);
    assert.match(note, /Not looked at: 2 machines without a label of this tool/);
    assert.equal(fleet.living().length, 10);
  });

  test("--destroy --yes ends exactly this owner's unheld machines, closes their intents, and a second sweep is clean", async (t) => {
    const { fleet, ids, labels } = await everyKind(t);
    const { code, note } = await fleet.sweep("--destroy", "--yes", "--all-owners");
    assert.equal(code, 0, note);
    const { lost, died, ...kept } = ids;
    assert.deepEqual(fleet.living(), Object.values(kept));
    for (const id of [lost, died])
      assert.match(note, new RegExp(`${id} \\(vt-.*, 1x H100 SXM, .*\\$\\d\\.\\d{3}/h\\) is gone`));
    assert.deepEqual(fleet.openLabels(), [labels.living]);
    assert.equal((await fleet.sweep()).code, 0);
  });

  test("a machine is who its intent says, whatever it was called in Vast's console", async (t) => {
    const fleet = await openFleet(t);
    const [label, other] = [fleet.label("dev"), fleet.label("prod")];
    fleet.stack("prod", [{ label: other }]);
    const ids = [await fleet.rent(label), await fleet.rent(label)] as const;
    fleet.intent(label, { process: "dead", instanceIds: ids, untouched: true });
    await fleet.relabel(ids[0], "my jupyter");
    await fleet.relabel(ids[1], other);
    const { code, out, note } = await fleet.sweep();
    assert.equal(code, 3, note);
    for (const id of ids) assert.match(rowOf(out, id) ?? "", / nobody \(process \d+ died renting it\)$/);
    assert.doesNotMatch(note, /pulumi up -s prod takes it over/);
    const ended = await fleet.sweep("--destroy", "--yes");
    assert.equal(ended.code, 0, ended.note);
    assert.deepEqual([fleet.living(), fleet.openLabels()], [[], []]);
  });

  test("a machine that the list lacks and an intent names is found by its id", async (t) => {
    const fleet = await openFleet(t);
    const label = fleet.label("dev");
    fleet.fault({ on: "boot", do: "listLag", seconds: 60 });
    const id = await fleet.rent(label);
    fleet.intent(label, { process: "dead", instanceIds: [id], untouched: true });
    const { code, out } = await fleet.sweep();
    assert.equal(code, 3);
    assert.match(rowOf(out, id) ?? "", / nobody /);
    assert.equal((await fleet.sweep("--destroy", "--yes")).code, 0);
    assert.deepEqual([fleet.living(), fleet.openLabels()], [[], []]);
  });

  test("--json tells the same to scripts, and what was ended", async (t) => {
    const { fleet, ids } = await everyKind(t);
    const { code, out } = await fleet.sweep("--json", "--destroy", "--yes", String(ids.lost));
    const said = JSON.parse(out);
    assert.equal(code, 3, "the other one still bills");
    assert.deepEqual(
      said.machines.map((row: { id: number; ended: boolean; heldBy: { by: string } }) => [
        row.id,
        row.heldBy.by,
        row.ended,
      ]),
      [
        [ids.lost, "nobody", true],
        [ids.died, "nobody", false],
        [ids.living, "intent", false],
        [ids.held, "stack", false],
        [ids.old, "stack", false],
      ],
    );
    assert.deepEqual([said.otherOwners, said.unlabelled], [3, 2]);
    const [row] = said.machines;
    assert.equal(row.label.split("-")[1], fleet.owner);
    assert.ok(row.ageSeconds >= 0 && row.perHour > 0 && row.aboutDollars >= 0);
  });

  const refusals: [string, (ids: Record<string, number>) => (string | number)[], RegExp][] = [
    ["a held machine", (ids) => [ids.lost ?? 0, ids.held ?? 0], /stack dev holds it; use: pulumi destroy -s dev/],
    ["one that waits for its deletion", (ids) => [ids.old ?? 0], /stack prod holds it/],
    [
      "one of a living process",
      (ids) => [ids.living ?? 0],
      /it belongs to process \d+, renting it now; end that process/,
    ],
    ["one without our label", (ids) => [ids.foreign ?? 0], /no machine with that id carries a label of ours/],
    ["one that is not there", () => [999], /999 is not ended, nor is anything else: no machine with that id/],
    ["another owner's", (ids) => [ids.other ?? 0], /is another owner's, so nothing is ended; it takes --all-owners/],
    [
      "another owner's, with --all-owners and --yes",
      (ids) => [ids.longer ?? 0, "--all-owners"],
      /that needs a terminal/,
    ],
    [
      "one whose label only begins with the owner",
      (ids) => [ids.prefixed ?? 0, "--all-owners"],
      /that needs a terminal/,
    ],
  ];

  test("one id that is not to be ended ends nothing at all", async (t) => {
    const { fleet, ids } = await everyKind(t);
    for (const [name, words, sentence] of refusals) {
      const { code, note } = await fleet.sweep("--destroy", "--yes", ...words(ids).map(String));
      assert.equal(code, 2, name);
      assert.match(note, sentence, name);
      assert.equal(fleet.living().length, 10, name);
    }
  });

  test("what cannot be seen whole is not acted on: exit code 1, a sentence, nothing ended", async (t) => {
    const fleet = await openFleet(t);
    const lost = fleet.label("dev");
    await fleet.rent(lost);
    fleet.stack("dev", [{ label: lost }]);
    const faults: [string, Record<string, unknown>, RegExp][] = [
      ["partialPage", {}, /the list of machines is incomplete, so nothing more was done; .*\(.*the list kept changing/],
      [
        "authError404",
        {},
        /the list of machines is incomplete, so nothing more was done; .*\(.*the key of .* is refused/,
      ],
      ["invalidToken", {}, /the list of machines is incomplete, so nothing more was done/],
      ["serverErrorBefore", {}, /the list of machines is incomplete, so nothing more was done/],
    ];
    for (const [name, args, sentence] of faults) {
      fleet.fault({ on: LIST, do: name, times: 0, ...args });
      const { code, out, note } = await fleet.sweep("--destroy", "--yes");
      assert.deepEqual([code, out, fleet.living().length], [1, "", 1], `${name}: ${note}`);
      assert.match(note, sentence, name);
      assert.doesNotMatch(note, /\n\s+at /);
      fleet.simulator.world.faults.clear();
    }
    fleet.brokenStack("other");
    const { code, note } = await fleet.sweep("--destroy", "--yes");
    assert.deepEqual([code, fleet.living().length], [1, 1]);
    assert.match(note, /the state of stack other cannot be read, so what it holds is not known/);
  });

  test("one account that cannot be seen does not blind the sweep for the others", async (t) => {
    const [fleet, other] = [await openFleet(t), await openFleet(t)];
    const { label } = fleet;
    const [lost, held, began] = [label("dev"), label("prod"), label("far")];
    const ids = { lost: await fleet.rent(lost), held: await fleet.rent(held) };
    fleet.stack("prod", [{ id: ids.held, label: held }]);
    // Where the other stacks and a rental that was killed are, whose key is no good, or whose key file is gone.
    fleet.intent(began, { process: "dead", ...other.api });
    const away = { apiUrl: other.api.apiUrl, apiKeyFile: join(fleet.folder, "no-such-key") };
    fleet.intent(label("gone"), { process: "dead", ...away });
    const theirs = await other.rent(began);
    other.fault({ on: LIST, do: "authError404", times: 0 });
    const { code, out, note } = await fleet.sweep();
    assert.equal(code, 1, note);
    assert.match(rowOf(out, ids.lost) ?? "", / nobody$/);
    assert.match(rowOf(out, ids.held) ?? "", / stack prod$/);
    for (const { apiUrl, apiKeyFile } of [other.api, away]) {
      assert.ok(note.includes(`Not seen: ${apiUrl}, ${apiKeyFile}: `), note);
    }
    assert.doesNotMatch(note, /nothing came of it/, "what nobody could look for is not said to be nothing");
    const json = JSON.parse((await fleet.sweep("--json")).out);
    assert.equal(json.unseen.length, 2);
    fleet.env.VAST_DISCARD_CHECKPOINTS = String(ids.lost);
    const ended = await fleet.sweep("--destroy", "--yes");
    assert.equal(ended.code, 1, "for it cannot be said that nothing bills");
    assert.deepEqual([fleet.living(), other.living()], [[ids.held], [theirs]]);
    assert.equal(fleet.openLabels().length, 2, "and what could not be looked for stays open");
  });

  test("an intent that cannot be read is named with what to do, and nothing is ended", async (t) => {
    const { fleet } = await everyKind(t);
    const file = join(openStateDir(fleet.env).journalDir, "vt-a.json");
    writeFileSync(file, "{");
    const before = fleet.living();
    const { code, out, note } = await fleet.sweep("--destroy", "--yes");
    assert.equal(code, 1);
    assert.ok(`${out}${note}`.includes(`nothing was done: ${file} cannot be read`), note);
    assert.deepEqual(fleet.living(), before);
  });

  test("what another account's key cannot see is not taken for nothing", async (t) => {
    const fleet = await openFleet(t);
    const label = fleet.label("dev");
    fleet.intent(label, { process: "dead", accountId: "999" });
    const { code, note } = await fleet.sweep();
    assert.equal(code, 1);
    assert.match(note, /was renting as vt-.* was rented by account 999, and the key is account/);
    assert.deepEqual(fleet.openLabels(), [label]);
  });

  test("another backend's export holds machines too; a file that is none stops the sweep", async (t) => {
    const fleet = await openFleet(t);
    const [here, there] = [fleet.label("dev"), fleet.label("dev")];
    const [one, two] = [await fleet.rent(here), await fleet.rent(there)];
    fleet.stack("dev", [{ id: one, label: here }]);
    const file = join(fleet.folder, "elsewhere.json");
    const outputs = { ...fleet.api, label: there };
    const resources = [{ type: typeOf("instance"), id: String(two), outputs }];
    writeFileSync(file, JSON.stringify({ version: 3, deployment: { resources } }));
    assert.equal((await fleet.sweep()).code, 3);
    const { code, out } = await fleet.sweep("--other-state", "elsewhere.json");
    assert.equal(code, 0);
    assert.match(rowOf(out, two) ?? "", /stack \S*elsewhere\.json$/);
    writeFileSync(file, "{}");
    const { code: bad, note } = await fleet.sweep("--other-state", file, "--destroy", "--yes");
    assert.deepEqual([bad, fleet.living().length], [1, 2]);
    assert.match(note, /elsewhere\.json cannot be read.*no output of pulumi stack export/);
  });

  test("a machine that carries a stack's label is that stack's to take over or end; --stack shows that stack's", async (t) => {
    const fleet = await openFleet(t);
    const [waiting, twin, removed] = [fleet.label("dev"), fleet.label("prod"), fleet.label("dev-2")];
    const ids = [await fleet.rent(waiting), await fleet.rent(twin), await fleet.rent(twin), await fleet.rent(removed)];
    fleet.stack("dev", [{ label: waiting }]);
    fleet.stack("prod", [{ id: ids[1] ?? 0, label: twin }]);
    const { note } = await fleet.sweep();
    assert.match(
      note,
      new RegExp(`${ids[0]}: pulumi up -s dev takes it over; pulumi destroy -s dev ends it, and so does`),
    );
    assert.match(note, new RegExp(`${ids[2]}: pulumi destroy -s prod ends it`), "prod has its machine");
    for (const [stack, shown] of [
      ["dev", [ids[0]]],
      ["prod", [ids[2], ids[1]]],
      ["dev-2", [ids[3]]],
      ["de", []],
    ] as const) {
      const { out } = await fleet.sweep("--stack", stack, "--json");
      assert.deepEqual(
        JSON.parse(out).machines.map(({ id }: { id: number }) => id),
        shown,
        stack,
      );
    }
    fleet.env.VAST_DISCARD_CHECKPOINTS = String(ids[3]);
    assert.equal((await fleet.sweep("--stack", "dev-2", "--destroy", "--yes")).code, 0);
    assert.deepEqual(fleet.living(), ids.slice(0, 3));
  });

  test("--yes ends nothing that may hold checkpoints: what nobody can look into is stopped, and what ends it is said", async (t) => {
    const fleet = await openFleet(t);
    const label = fleet.label("dev");
    fleet.fault({ on: "boot", do: "ociFail" });
    const [id, other] = [await fleet.rent(label), await fleet.rent(fleet.label("prod"))];
    fleet.stack("dev", [{ label }]);
    await fleet.stop(other);
    await fleet.failed(id);
    const { code, note } = await fleet.sweep("--destroy", "--yes");
    assert.equal(code, 1);
    assert.deepEqual(fleet.living(), [id, other]);
    assert.match(
      note,
      new RegExp(
        `instance ${id} is kept, because nobody can see whether checkpoints are on it \\(.*\\); it was stopped, and its disk goes on costing \\$[\\d.]+/h\\. ` +
          `pulumi destroy -s dev fetches what is on it, and ends it\\. To give up what is on it, put VAST_DISCARD_CHECKPOINTS=${id} before the command`,
      ),
    );
    assert.match(
      note,
      new RegExp(
        `instance ${other} is kept, .*; it is stopped, .* vast-run sweep --destroy ${other}, without --yes, asks you`,
      ),
    );
    assert.deepEqual(fleet.openLabels().includes(label), true, "whoever comes next finds it");
  });

  test("at a terminal each machine is asked about, by id, label and price", async (t) => {
    const fleet = await openFleet(t);
    const labels = [fleet.label("dev"), fleet.label("dev")];
    const [one = 0, two = 0] = [await fleet.rent(labels[0] ?? ""), await fleet.rent(labels[1] ?? "")];
    await fleet.stop(one);
    fleet.intent(labels[1] ?? "", { process: "dead", instanceIds: [two], untouched: true });
    fleet.stack("dev", []);
    fleet.stack("prod", [{ label: labels[1] ?? "" }]);
    const { code, questions, note } = await fleet.sweepAsking(["", "y"], "--destroy");
    assert.equal(code, 3, "one still bills");
    assert.match(
      questions[0] ?? "",
      new RegExp(
        `^Destroy ${one} \\(${labels[0]}, 1x H100 SXM, .*\\$[\\d.]+/h\\)\\? NOBODY CAN SEE WHAT IS ON IT \\(.* does not run.*\\). .*are lost. \\[y/N\\]$`,
      ),
    );
    assert.match(questions[1] ?? "", /\? No training of yours has run on it\. \[y\/N\]$/);
    assert.equal(questions.length, 2);
    assert.match(note, new RegExp(`${two} .* is gone`));
    assert.deepEqual(fleet.living(), [one]);
  });

  test("another owner's machine takes its id, --all-owners, a yes, and its id again", async (t) => {
    const fleet = await openFleet(t);
    const label = fleet.label("dev", "zzzzzzzz");
    const id = await fleet.rent(label);
    fleet.stack("dev", [{ label: fleet.label("dev") }]);
    const words = ["--destroy", "--all-owners"];
    assert.deepEqual((await fleet.sweepAsking(["y", String(id)], ...words)).questions, [], "only by its id");
    assert.equal((await fleet.sweepAsking(["y", "y"], ...words, String(id))).code, 0);
    assert.deepEqual(fleet.living(), [id], "its id, not another yes");
    const { questions, code } = await fleet.sweepAsking(["y", String(id)], ...words, String(id));
    assert.match(questions[1] ?? "", /ANOTHER OWNER'S/);
    assert.equal(code, 0);
    assert.deepEqual(fleet.living(), []);
  });

  test("what somebody takes while the question stands is left alone", async (t) => {
    const fleet = await openFleet(t);
    const [held, rented] = [fleet.label("dev"), fleet.label("prod")];
    const [one, two] = [await fleet.rent(held), await fleet.rent(rented)];
    for (const id of [one, two]) await fleet.stop(id);
    fleet.stack("prod", [{ label: rented }]);
    const { code, note } = await fleet.sweepAsking(
      [
        "y",
        () => {
          fleet.stack("dev", [{ id: one, label: held }]);
          fleet.intent(rented, { process: "elsewhere" });
          return "y";
        },
      ],
      "--destroy",
    );
    assert.equal(code, 3);
    assert.match(note, new RegExp(`${one} .* is left alone: somebody has taken it meanwhile`));
    assert.match(note, new RegExp(`${two} .* is left alone`));
    assert.deepEqual(fleet.living(), [one, two]);
  });

  const misuses: [string, string[], RegExp][] = [
    ["no terminal to ask on", ["--destroy"], /--destroy asks, and there is no terminal to ask on; add --yes/],
    ["--yes alone", ["--yes"], /--yes is for --destroy/],
    ["an id alone", ["7"], /7: ids are for --destroy/],
    ["an id that is none", ["--destroy", "--yes", "-1x"], /unknown option|not the id/],
    ["a word for an id", ["--destroy", "--yes", "all"], /"all" is not the id of a machine/],
  ];

  test("what was typed wrong is said before anything is asked", async (t) => {
    const fleet = await openFleet(t);
    await fleet.rent(fleet.label("dev"));
    for (const [name, words, sentence] of misuses) {
      const { code, note } = await fleet.sweep(...words);
      assert.equal(code, 2, name);
      assert.match(note, sentence, name);
    }
    assert.equal(fleet.living().length, 1);
  });

  test("an account that no state and no intent names is not asked; without a key the sentence says which", async (t) => {
    const fleet = await openFleet(t);
    const { code, note } = await fleet.sweep();
    assert.equal(code, 2);
    assert.match(note, /no Vast API key: set VAST_API_KEY/);
  });

  test("an intent alone names the account, and a dead one without a machine is only told, then closed", async (t) => {
    const fleet: Fleet = await openFleet(t);
    const [gone, other] = [fleet.label("dev"), fleet.label("dev")];
    fleet.intent(gone, { process: "dead" });
    fleet.intent(other, { process: "elsewhere" });
    const { code, note } = await fleet.sweep();
    assert.equal(code, 0);
    assert.match(
      note,
      new RegExp(`died \\d+ min ago while it was renting ${gone}; nothing came of it, and nothing bills`),
    );
    assert.deepEqual(fleet.openLabels().sort(), [gone, other].sort());
    assert.equal((await fleet.sweep("--destroy", "--yes")).code, 0);
    assert.deepEqual(fleet.openLabels(), [other]);
  });

  test("what could not be ended is told with what ends it: exit code 1, and its intent stays open", async (t) => {
    const fleet = await openFleet(t);
    const label = fleet.label("dev");
    const id = await fleet.rent(label);
    fleet.stack("dev", [{ label }]);
    fleet.fault({ on: "DELETE /instances/{id}/", do: "authError401", times: 0 });
    fleet.env.VAST_DISCARD_CHECKPOINTS = String(id);
    const { code, note } = await fleet.sweep("--destroy", "--yes");
    assert.equal(code, 1);
    assert.match(note, new RegExp(`instance ${id} \\(${label}\\) is still there.*vastai destroy instance ${id}`));
    assert.deepEqual(fleet.openLabels(), [label]);
    fleet.simulator.world.faults.clear();
    fleet.intent(label, { process: "dead" });
    assert.equal((await fleet.sweep("--destroy", "--yes")).code, 0);
    assert.deepEqual([fleet.living(), fleet.openLabels()], [[], []]);
  });
});
