import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { openStateDir } from "../../../components/lib/state-dir.ts";
import { intentText, warnOfOpenIntents } from "../../../components/run/open-intents.ts";
import { type Intent, Journal } from "../../../components/vast/journal/journal.ts";

const wish = { label: "vt-a", urn: "urn:pulumi:dev::p::t::n", apiUrl: "", apiKeyFile: "", offerId: 7, at: 0 };
const intent: Intent = { ...wish, host: "here", pid: 1, startedAt: "then", instanceIds: [] };

function stateDir(t: TestContext) {
  const home = mkdtempSync(join(tmpdir(), "vast-intents-test-"));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  return openStateDir({ VAST_TRAINING_HOME: home });
}

test("a rental is told with what is known of it, and with what settles it", () => {
  const known = { ...intent, instanceIds: [42], perHour: 1.5 };
  assert.equal(
    intentText(known, "dev", 12 * 60_000),
    "an earlier process ended while it was renting vt-a (instance 42, up to $1.500/h), 12 min ago; this stack's up settles it; where Pulumi says that the stack is locked, first: vast-run recover -s dev",
  );
  assert.match(
    intentText(intent, "other", 0),
    /\(what came of it is not known\), 0 min ago; settle it with: vast-run recover -s dev$/,
  );
});

test("nobody is warned of a rental that is under way, and everybody of one whose process has ended", (t) => {
  const dir = stateDir(t);
  const journal = new Journal(dir.journalDir);
  const warnings: string[] = [];
  warnOfOpenIntents(dir, "dev", (text) => warnings.push(text));
  journal.open(wish);
  warnOfOpenIntents(dir, "dev", (text) => warnings.push(text));
  assert.equal(warnings.length, 0);
  const file = join(dir.journalDir, "vt-a.json");
  writeFileSync(file, readFileSync(file, "utf8").replace(/"startedAt": "[^"]*"/, '"startedAt": "before"'));
  warnOfOpenIntents(dir, "other", (text) => warnings.push(text));
  assert.match(warnings.join(), /^an earlier process ended while it was renting vt-a .* recover -s dev$/);
  warnings.length = 0;
  writeFileSync(file, "");
  warnOfOpenIntents(dir, "other", (text) => warnings.push(text));
  assert.match(warnings.join(), /^\S+vt-a\.json cannot be read .* look for the label vt-a with vastai show instances/);
});
