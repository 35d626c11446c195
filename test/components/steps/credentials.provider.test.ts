import assert from "node:assert/strict";
import { test } from "node:test";
import { type CredentialsState, changes } from "../../../components/steps/credentials.provider.ts";

const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

const state: CredentialsState = {
  apiUrl: "",
  apiKeyFile: "",
  forward: ["HF_TOKEN"],
  require: [],
  envFile: "~/.env",
  netrcFile: "~/.netrc",
  instanceId: "7",
  sshHost: "203.0.113.9",
  sshPort: 41,
  hostKey: "ssh-ed25519 AAAA",
  startedAt: "2026",
  sshKeyFile: "",
  fingerprints: { HF_TOKEN: "1" },
  publicKeys: ["ssh-ed25519 AAAA me"],
  __urn: "urn",
};

const cases: [what: string, news: object, changed: boolean, replaced: boolean][] = [
  ["nothing", {}, false, false],
  ["another token", { fingerprints: { HF_TOKEN: "2" } }, true, false],
  ["one token more", { fingerprints: { HF_TOKEN: "1", WANDB_API_KEY: "3" } }, true, false],
  ["a machine that was started again", { startedAt: "2027" }, true, false],
  ["what is not known yet", { instanceId: UNKNOWN, sshHost: UNKNOWN }, false, false],
  ["another machine", { instanceId: "8" }, true, true],
];

for (const [what, news, changed, replaced] of cases) {
  test(`${what} ${changed ? "is a change" : "changes nothing"}${replaced ? ", and another resource" : ""}`, () => {
    const plan = changes(state, { ...state, ...news } as CredentialsState);
    assert.deepEqual({ changed: plan.changes, replaced: plan.replaces.length > 0 }, { changed, replaced });
  });
}
