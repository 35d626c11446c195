import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { projectDir } from "../../../scripts/lib/workspace.ts";
import { imageOf, verdictOn } from "../../../simulator/hosts/images.ts";
import { exampleRepository, type Host } from "../../../simulator/hosts/index.ts";
import { UV_VERSION } from "../../../simulator/hosts/uv.ts";
import { type Key, needsRoot, on, openScene, run } from "../../support/hosts.ts";

const digest = `sha256:${"0123456789abcdef".repeat(4)}`;

for (const reference of [
  "japhba/cot-oracle",
  "japhba/cot-oracle:latest",
  `japhba/cot-oracle@${digest}`,
  `docker.io/japhba/cot-oracle:2026-01@${digest}`,
]) {
  test(`${reference} is the image with uv and the dependencies`, () => {
    assert.equal(imageOf(reference)?.layer, "cot-oracle");
    assert.deepEqual(verdictOn(reference), { ok: true, compressedMb: 15_000 });
  });
}

for (const reference of ["pytorch/pytorch:2.6.0-cuda12.6-cudnn9-devel", "vastai/base-image:@vastai-automatic-tag"]) {
  test(`${reference} has Python and no more`, () => {
    assert.equal(imageOf(reference)?.layer, "pytorch");
    assert.equal(verdictOn(reference).ok, true);
  });
}

test("an image on vastai/pytorch is that of the dependencies, and has its base's layers", () => {
  const reference = `japhba/cot-oracle-on-vastai@${digest}`;
  assert.equal(imageOf(reference)?.layer, "cot-oracle");
  assert.deepEqual(verdictOn(reference), { ok: true, compressedMb: 5100, base: "vastai/pytorch" });
});

for (const reference of ["japhba/cot-orcale", "ghcr.io/japhba/cot-oracle", "pytorch", "vastai"]) {
  test(`${reference} is in no registry`, () => {
    const statusMsg = `Error response from daemon: manifest for ${reference} not found: manifest unknown: manifest unknown`;
    assert.deepEqual(verdictOn(reference), { ok: false, statusMsg });
  });
}

for (const reference of ["japhba/cot-oracle:", "japhba/cot-oracle@sha256:12", "Japhba/cot-oracle", "a b", ""]) {
  test(`"${reference}" is no reference`, () => {
    const verdict = verdictOn(reference);
    assert.match(verdict.ok ? "" : verdict.statusMsg, /^Error response from daemon: invalid reference format/);
  });
}

test("uv is the one that set-up brings", async () => {
  const { versions } = await import(join(projectDir, "scripts/setup/paths.mjs"));
  assert.equal(UV_VERSION, versions.uv);
});

const SYNC = "cd /workspace/tiny-train && UV_PROJECT_ENVIRONMENT=/workspace/venvs/tiny-train";
const IMPORTS = "/workspace/venvs/tiny-train/bin/python -c 'import numpy; print(numpy.__version__)'";

/** The example's code, where a launch puts it. */
async function bringCode(host: Host, key: Key, folder: string): Promise<void> {
  const repository = await exampleRepository(join(folder, "tiny-train"));
  const archive = await run("sh", ["-c", `git -C ${repository} archive jan | base64`]);
  await on(host, key, "mkdir -p /workspace/tiny-train && base64 -d | tar -x -C /workspace/tiny-train", archive.stdout);
}

test("on the image with the dependencies, a sync installs nothing", needsRoot, async (t) => {
  const { folder, key, machine } = await openScene(t);
  const host = await machine({ image: "japhba/cot-oracle" });
  await bringCode(host, key, folder);
  assert.equal(await on(host, key, "uv --version | cut -d ' ' -f 1,2"), `uv ${UV_VERSION}`);
  assert.equal(await on(host, key, IMPORTS), "2.2.6");
  const said = await on(host, key, `${SYNC} uv sync --frozen --offline 2>&1`);
  assert.doesNotMatch(said, /Installed|Prepared|Creating/);
  assert.equal(await on(host, key, "readlink -f /workspace/venvs/cot-oracle"), "/workspace/venvs/tiny-train");
  assert.equal(await on(host, key, "ls /workspace/ao_reference/datasets"), "corpus.txt");
  await on(
    host,
    key,
    "/workspace/venvs/tiny-train/bin/python -c 'import numpy' && touch /workspace/venvs/tiny-train/mine",
  );
  const other = await machine({ image: "japhba/cot-oracle" });
  assert.equal(await on(other, key, "ls /workspace/venvs/tiny-train/mine 2>/dev/null || echo none"), "none");
});

test("on the image without, uv comes by pip, and a sync installs everything", needsRoot, async (t) => {
  const { folder, key, machine } = await openScene(t);
  const host = await machine({ image: "pytorch/pytorch:2.6.0-cuda12.6-cudnn9-devel" });
  assert.equal(await on(host, key, "command -v uv || ls /workspace"), "");
  assert.equal(
    await on(host, key, "PATH=/opt/conda/bin; python -c 'print(1)'; pip --version >/dev/null && echo 2"),
    "1\n2",
  );
  await bringCode(host, key, folder);
  const requirement = readFileSync(join(projectDir, "scripts/setup/uv-requirements.txt"), "utf8");
  await on(host, key, "cat >/tmp/uv.txt", requirement);
  await on(host, key, "python3 -m pip install -q --require-hashes --no-deps --target /workspace/.uv -r /tmp/uv.txt");
  const said = await on(host, key, `${SYNC} /workspace/.uv/bin/uv sync --frozen 2>&1`);
  assert.match(said, /Installed 1 package/);
  assert.equal(await on(host, key, IMPORTS), "2.2.6");
});
