import assert from "node:assert/strict";
import { test } from "node:test";
import { buildErrorIn, buildProgressIn } from "../../../../components/image/build/output.ts";

const said = (message: string, more = {}) => {
  const urn = "urn:pulumi:build::image::docker:index/image:Image::image-0";
  return JSON.stringify({ diagnosticEvent: { urn, severity: "info", message: `${message}\n`, ...more } });
};

test("a row shows what the build says, and of the layers what is done with them", () => {
  assert.equal(buildProgressIn(said("[2/3] RUN uv sync")), "[2/3] RUN uv sync");
  assert.equal(buildProgressIn(said("9a8c6211623d Pushing [=====>    ] 20.41MB/110.1MB")), "Pushing 20.41MB/110.1MB");
  assert.equal(buildProgressIn(said("9a8c6211623d Pushing 1.536kB")), "Pushing 1.536kB");
  assert.equal(buildProgressIn(said("9a8c6211623d Preparing")), "Preparing 9a8c6211623d");
  assert.equal(buildProgressIn(said("nothing to show", { severity: "debug" })), "");
});

test("a failure is told by its last lines", () => {
  const text = ["1", "", ...Array.from({ length: 23 }, () => "and"), "so\u001b[2J", "it said this last", ""].join("\n");
  const failed = [said("x"), said(text, { severity: "error" }), said("update failed", { severity: "error", urn: "" })];
  const told = buildErrorIn(failed, "else").split("\n");
  assert.deepEqual([told.length, told[0], ...told.slice(-2)], [25, "and", "so", "it said this last"]);
  assert.equal(buildErrorIn(["{"], "no such command"), "no such command");
});
