import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { netrcEntry } from "../../../components/credentials/netrc.ts";

const LINES = [
  "machine a login u password one",
  "machine a\n  login u\n  password two",
  "machine a password three login u",
  "machine a port 1 login u password four",
  "machine https://a login u password five",
  "machine a login u password",
  "machine b login u password six",
  "default login u password seven",
  'machine "a" password "ei\\"ght"',
  "machine a user u account x password ni\\ ne",
  "macdef m\nmachine a password ten\n",
  "macdef m\nmachine a password eleven",
  "# machine a password twelve",
  "#machine a password thirteen",
  "#",
  "machine a # password no\n password fourteen # login\n login u",
  "machine a password #fifteen",
  "machine a password sixteen#x #",
  "word",
  "machine",
  'machine a password "seventeen',
  "machine a\r\npassword eighteen\r",
  "",
];

const hasPython = spawnSync("python3", ["-c", "import netrc, sys; sys.exit(sys.version_info < (3, 11))"]).status === 0;

test("an entry is the one that Python's netrc has", { skip: hasPython ? false : "needs Python 3.11" }, () => {
  const pairs = LINES.flatMap((one) => LINES.flatMap((two) => [`${one}\n${two}`, `${one}\n\n${two}\n`]));
  const script = `
import json, netrc, sys, tempfile
def read(text):
    with tempfile.NamedTemporaryFile("w", newline="") as file:
        file.write(text); file.flush()
        try: return (netrc.netrc(file.name).hosts.get("a") or ("", "", ""))[2]
        except netrc.NetrcParseError: return ""
print(json.dumps([read(text) for text in json.load(sys.stdin)]))`;
  const { stdout } = spawnSync("python3", ["-c", script], { input: JSON.stringify(pairs), encoding: "utf8" });
  const theirs = JSON.parse(stdout) as string[];
  for (const [at, text] of pairs.entries()) {
    assert.equal(netrcEntry(text, "a")?.password ?? "", theirs[at], JSON.stringify(text));
  }
  assert.ok(new Set(theirs).size > 10);
});
