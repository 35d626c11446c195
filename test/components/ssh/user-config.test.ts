import assert from "node:assert/strict";
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { install, uninstall, userConfigFile } from "../../../components/ssh/user-config.ts";

const line = "Include /state/ssh/vast-*.conf";

function home(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "vast-home-"));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

test("the line comes first, once, and goes again; the rest stays to the byte", (t) => {
  const file = userConfigFile({ HOME: home(t) });
  mkdirSync(join(file, ".."));
  const theirs = "# mine\nHost *\n  ProxyCommand none\n\n";
  writeFileSync(file, theirs, { mode: 0o640 });
  assert.deepEqual([install(line, file), install(line, file)], [true, false]);
  assert.equal(readFileSync(file, "utf8"), `${line}\n${theirs}`);
  assert.equal(statSync(file).mode & 0o777, 0o640);
  assert.deepEqual([uninstall(line, file), uninstall(line, file)], [true, false]);
  assert.equal(readFileSync(file, "utf8"), theirs);
  assert.deepEqual(readdirSync(join(file, "..")), ["config"]);
});

test("a line that its owner has moved stays where it is", (t) => {
  const file = join(home(t), "config");
  writeFileSync(file, `Host a\n  User b\n  ${line}\n`);
  assert.equal(install(line, file), false);
});

test("a link stays a link, to a file elsewhere as to none", (t) => {
  const path = home(t);
  const [file, target] = [join(path, "config"), join(path, "dotfiles")];
  writeFileSync(target, "Host a\n", { mode: 0o644 });
  symlinkSync("dotfiles", file);
  install(line, file);
  assert.ok(lstatSync(file).isSymbolicLink());
  assert.equal(readFileSync(target, "utf8"), `${line}\nHost a\n`);
  assert.equal(statSync(target).mode & 0o777, 0o644);
});

test("without a config there is one of your own afterwards, and a folder for it", (t) => {
  const file = userConfigFile({ HOME: home(t) });
  assert.equal(uninstall(line, file), false);
  install(line, file);
  assert.deepEqual([statSync(file).mode & 0o777, statSync(join(file, "..")).mode & 0o777], [0o600, 0o700]);
});

test("a place where nothing can be written is a sentence with its path", (t) => {
  const file = join(home(t), "config");
  writeFileSync(file, "");
  assert.throws(() => install(line, join(file, "config")), { name: "DiskError", message: /config cannot be used: / });
});
