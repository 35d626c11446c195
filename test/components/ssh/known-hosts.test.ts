import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { isRevoked, pinHostKey, pinnedHostKeys, replaceHostKeys } from "../../../components/ssh/known-hosts.ts";
import { temporaryHome } from "../../support/sshd.ts";

const ID = 31415926;

test("replaced keys are revoked, those of other machines stay, and one may come back", (t) => {
  const file = temporaryHome(t).key.knownHostsFile;
  const [one, two, other] = ["AAA1", "AAA2", "AAA3"].map((text) => `ssh-ed25519 ${text}`) as [string, string, string];
  pinHostKey(file, ID, one, "direct");
  pinHostKey(file, 7, other);
  replaceHostKeys(file, ID, two);
  assert.deepEqual([pinnedHostKeys(file, ID), pinnedHostKeys(file, 7)], [[two], [other]]);
  assert.deepEqual([isRevoked(file, ID, one), isRevoked(file, ID, two), isRevoked(file, 7, one)], [true, false, false]);
  replaceHostKeys(file, ID, one);
  assert.deepEqual(pinnedHostKeys(file, ID), [one]);
  assert.equal(readFileSync(file, "utf8"), `vast-7 ${other}\n@revoked vast-${ID} ${two}\nvast-${ID} ${one}\n`);
});

test("pinning writes each line once, and only lines that are keys", (t) => {
  const { key } = temporaryHome(t);
  const line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA==";
  pinHostKey(key.knownHostsFile, ID, line);
  pinHostKey(key.knownHostsFile, ID, line);
  pinHostKey(key.knownHostsFile, 7, line);
  assert.deepEqual(pinnedHostKeys(key.knownHostsFile, ID), [line]);
  assert.throws(() => pinHostKey(key.knownHostsFile, ID, `${line}\n* ${line}`), /is not a key/);
});
