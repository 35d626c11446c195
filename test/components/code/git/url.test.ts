import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { isSshUrl, originOf, resolvedUrl, sshPlace, wayOf } from "../../../../components/code/git/url.ts";

test("URLs: their kind, and what is in them", () => {
  const ssh = ["git@host:me/it", "ssh://me@host:22/it", "work:me/it", "work:/srv/it"];
  for (const url of ssh) assert.ok(isSshUrl(url), url);
  for (const url of ["https://host/it", "simulator:it", "/a/b:c", "file:///x", "ext::sh"])
    assert.ok(!isSshUrl(url), url);
  assert.deepEqual(
    [wayOf("", "git@h:x"), wayOf("", "https://h/x"), wayOf("token", "https://h/x")],
    ["upload", "none", "token"],
  );
  assert.equal(originOf("https://h:1/x/y"), "https://h:1");
  assert.deepEqual(sshPlace("ssh://me@h:7/x"), { user: "me", host: "h", port: "7" });
  assert.deepEqual(sshPlace("git@h:x/y"), { user: "git", host: "h" });
  assert.deepEqual(sshPlace("work:x/y"), { host: "work" });
});

test("a submodule's URL is the one that git finds", (t) => {
  const root = mkdtempSync(join(tmpdir(), "submodule-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const git = (...words: string[]) =>
    execFileSync("git", ["-C", root, ...words], { encoding: "utf8", stdio: "pipe" }).trim();
  git("init", "-q");
  git("update-index", "--add", "--cacheinfo", `160000,${"1".repeat(40)},sub`);
  const found = (repository: string, url: string) => {
    writeFileSync(join(root, ".gitmodules"), `[submodule "sub"]\n\tpath = sub\n\turl = "${url}"\n`);
    git("config", "remote.origin.url", repository);
    git("submodule", "--quiet", "init");
    const answer = git("config", "submodule.sub.url");
    git("config", "--remove-section", "submodule.sub");
    return answer;
  };
  const repositories = [
    "https://h/me/it.git",
    "https://h/me/it/",
    "https://h:1/a/b/c/it",
    "git@h:me/it.git",
    "work:me/it",
    "work:it",
    "ssh://git@h:22/me/it",
    "file:///srv/me/it.git",
    "/srv/me/it.git",
  ];
  const urls = ["../lib.git", "../../other/lib", "./lib", "./../lib/", "../a/../lib", "https://x/y", "git@x:y"];
  for (const repository of repositories) {
    for (const url of urls)
      assert.equal(resolvedUrl(repository, url), found(repository, url), `${url} of ${repository}`);
  }
});
