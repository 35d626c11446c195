import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { keptImageTrouble } from "../../../../components/vast/rental/image-pull.ts";
import { callRegistry, pushImage } from "../../../support/docker/push.ts";
import { noRegistry, startRegistry } from "../../../support/docker/registry.ts";

test("a digest that is not in its registry any more is told; what cannot be asked is not", {
  skip: noRegistry(),
}, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "vast-kept-"));
  const registry = await startRegistry(join(folder, "registry"), undefined);
  t.after(async () => {
    await registry.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const { digest } = await pushImage(registry, "it", ["config", "layer"], ["1"]);
  const trouble = (image: string) => keptImageTrouble({ image, imageLogin: null, apiUrl: "https://vast.example" });
  const pinned = `${registry.address}/it@${digest}`;
  assert.equal(await trouble(pinned), undefined);
  await callRegistry(registry, "DELETE", `/v2/it/manifests/${digest}`);
  assert.match((await trouble(pinned)) ?? "", /is not in its registry any more: no machine could pull it/);
  assert.equal(await trouble(`${registry.address}/it:1`), undefined, "a tag is asked for elsewhere");
  await registry.close();
  assert.equal(await trouble(pinned), undefined);
});
