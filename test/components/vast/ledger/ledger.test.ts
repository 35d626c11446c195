import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { Ledger, type LedgerFolders } from "../../../../components/vast/ledger/ledger.ts";
import { markOfApi } from "../../../../components/vast/ledger/line.ts";

const NOW = 1_800_000_000_000;
const slice = { machineId: 41907, gpus: 2 };

function open(t: TestContext) {
  const root = mkdtempSync(join(tmpdir(), "vast-ledger-test-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const places: LedgerFolders = { own: join(root, "own"), lab: join(root, "lab") };
  for (const place of Object.values(places)) mkdirSync(place);
  const said: string[] = [];
  const ledger = (at: LedgerFolders, apiUrl = "https://x") =>
    new Ledger(at, apiUrl, { now: () => NOW, say: async (text) => void said.push(text) });
  return { root, places, said, ledger };
}

const inFolder = (folder: string) =>
  readdirSync(folder)
    .map((name) => readFileSync(join(folder, name), "utf8"))
    .join("");

test("what one notes in the lab's folder everybody knows, of the same API", (t) => {
  const { places, said, ledger } = open(t);
  ledger(places).note(slice, { what: "fault", words: "no ssh" }, { perHour: 2, at: NOW });
  const colleague = { own: join(places.own, ".."), lab: places.lab };
  const [known] = ledger(colleague).standings().all;
  assert.deepEqual(
    [known?.machineId, known?.gpus, known?.faults[0]?.words, known?.onDemand?.perHour],
    [41907, 2, "no ssh", 2],
  );
  assert.deepEqual(ledger(colleague, "https://y").standings().all, []);
  assert.equal(inFolder(places.own), "", "it is in one place");
  assert.deepEqual(said, []);
});

test("what was noted before there was a lab's folder is known still", (t) => {
  const { places, ledger } = open(t);
  ledger({ ...places, lab: "" }).note(slice, { what: "outbid" });
  assert.equal(ledger(places).standings().all[0]?.outbids, 1);
});

test("a lab's folder that takes nothing, or is gone, is said once, and the own one takes it", async (t) => {
  const { places, said, ledger } = open(t);
  rmSync(places.lab, { recursive: true });
  for (let round = 0; round < 3; round++) {
    ledger(places).note(slice, { what: "outbid" });
    assert.equal(ledger(places).standings().all[0]?.outbids, round + 1);
  }
  assert.equal(said.length, 2, said.join("\n"));
  assert.match(said[0] ?? "", /what machines were like cannot be noted: \S+lab cannot be used/);
  assert.match(said[1] ?? "", /what machines were like is not known: \S+lab cannot be used/);
});

test("without any folder nothing is known, and nothing fails", (t) => {
  const { root, said, ledger } = open(t);
  const nowhere = ledger({ own: join(root, "no"), lab: "" });
  nowhere.note(slice, { what: "outbid" });
  assert.deepEqual(nowhere.standings().all, []);
  assert.equal(said.length, 2);
});

test("another user's file is read, and never written", { skip: process.getuid?.() !== 0 }, (t) => {
  const { root, places, ledger } = open(t);
  chmodSync(root, 0o755);
  chmodSync(places.lab, 0o1777);
  const module = new URL("../../../../components/lib/lines.ts", import.meta.url).pathname;
  const text = JSON.stringify({
    at: NOW - 1000,
    api: markOfApi("https://x"),
    ...slice,
    what: "fault",
    words: "theirs",
  });
  asNobody(module, places.lab, text);
  const [theirs = ""] = readdirSync(places.lab);
  const before = readFileSync(join(places.lab, theirs), "utf8");
  ledger(places).note(slice, { what: "fault", words: "ours" });
  const words = ledger(places)
    .standings()
    .all[0]?.faults.map((fault) => fault.words);
  assert.deepEqual(words, ["theirs", "ours"]);
  assert.equal(readFileSync(join(places.lab, theirs), "utf8"), before);
  assert.equal(readdirSync(places.lab).length, 2);
});

/** Another user may not be allowed where the project is, so the file that appends goes with it. */
function asNobody(module: string, folder: string, line: string): void {
  const code = `process.setgid(65534); process.setuid(65534); files.appendLine(process.argv[1], process.argv[2]);`;
  const loaded = `import(${JSON.stringify(module)}).then((files) => { ${code} })`;
  execFileSync(process.execPath, ["-e", loaded, folder, line]);
}

test("a file of rubbish hides nobody's lines", (t) => {
  const { places, ledger } = open(t);
  writeFileSync(join(places.lab, "rubbish.jsonl"), Buffer.from([0xff, 0xfe, 10, 123, 10, 0, 10]));
  writeFileSync(join(places.lab, "long.jsonl"), "x".repeat(3_000_000));
  ledger(places).note(slice, { what: "served", hours: 2 });
  assert.equal(ledger(places).standings().all[0]?.hours, 2);
});
