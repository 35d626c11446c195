import assert from "node:assert/strict";
import { test } from "node:test";
import { parseReference, pinned, qualified } from "../../../components/registry/reference.ts";

const digest = `sha256:${"a".repeat(64)}`;

test("a name is taken apart as Docker does it", () => {
  const cases: [
    text: string,
    registry: string,
    repository: string,
    tag: string | undefined,
    digest: string | undefined,
  ][] = [
    ["ubuntu", "docker.io", "library/ubuntu", "latest", undefined],
    ["japhba/cot-oracle", "docker.io", "japhba/cot-oracle", "latest", undefined],
    ["docker.io/ubuntu:22.04", "docker.io", "library/ubuntu", "22.04", undefined],
    ["index.docker.io/a/b", "docker.io", "a/b", "latest", undefined],
    [`a/b:t@${digest}`, "docker.io", "a/b", "t", digest],
    [`a/b@${digest}`, "docker.io", "a/b", undefined, digest],
    ["ghcr.io/a/b/c:1", "ghcr.io", "a/b/c", "1", undefined],
    ["localhost/a", "localhost", "a", "latest", undefined],
    ["127.0.0.1:5000/a", "127.0.0.1:5000", "a", "latest", undefined],
    ["[::1]:5000/a/b:x", "[::1]:5000", "a/b", "x", undefined],
    ["a__b/c.d-e", "docker.io", "a__b/c.d-e", "latest", undefined],
  ];
  for (const [text, ...parts] of cases) {
    const found = parseReference(text);
    assert.deepEqual([found?.registry, found?.repository, found?.tag, found?.digest], parts, text);
  }
});

test("what no registry can have is no name", () => {
  const bad = [
    "",
    "/a",
    "a/",
    "a//b",
    "A/b",
    "a:",
    "a@sha256:1",
    "https://ghcr.io/a",
    "ghcr.io/",
    "a b",
    "a/../b",
    "-x.io/a",
  ];
  for (const text of [...bad, `${"a".repeat(300)}`, "user@host/a", "ghcr.io:port/a"]) {
    assert.equal(parseReference(text), undefined, text);
  }
});

test("a pinned name keeps its spelling, a qualified one has everything", () => {
  const of = (text: string) => parseReference(text) ?? assert.fail(text);
  assert.equal(pinned(of("a/b:t"), digest), `a/b@${digest}`);
  assert.equal(pinned(of("127.0.0.1:5000/a"), digest), `127.0.0.1:5000/a@${digest}`);
  assert.equal(pinned(of(`a/b:t@${digest}`), digest), `a/b@${digest}`);
  assert.equal(qualified(of("japhba/cot-oracle")), "docker.io/japhba/cot-oracle:latest");
});
