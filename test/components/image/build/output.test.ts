import assert from "node:assert/strict";
import { test } from "node:test";
import { complaintIn, progressIn } from "../../../../components/image/build/output.ts";

const row = (text: string) => ` +  docker:index:Image image-0 creating (3s) ${text}`;

test("a row shows what the build says, and of the layers what is done with them", () => {
  assert.equal(progressIn(row("[2/3] RUN uv sync")), "[2/3] RUN uv sync");
  assert.equal(progressIn(row("9a8c6211623d Pushing [=====>    ] 20.41MB/110.1MB")), "Pushing 20.41MB/110.1MB");
  assert.equal(progressIn(row("9a8c6211623d Pushing 1.536kB")), "Pushing 1.536kB");
  assert.equal(progressIn(row("9a8c6211623d Preparing")), "Preparing 9a8c6211623d");
  assert.equal(progressIn("@ updating....."), "");
});

test("a failure is told by its last lines, without headings", () => {
  const lines = [
    row("[2/3] RUN false"),
    "Diagnostics:",
    "  docker:index:Image (image-0):",
    "    error: error building image: RUN false",
    "    it said this last",
    "",
    "  pulumi:pulumi:Stack (image-build):",
    "    error: update failed",
    "Resources:",
    "    1 errored",
  ];
  assert.equal(complaintIn(lines), "error: error building image: RUN false\nit said this last");
  assert.equal(complaintIn(["no such command"]), "no such command");
});
