import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { parseListing } from "../../../components/checkpoints/manifest.ts";
import { isRemoteError } from "../../../components/ssh/remote-error.ts";

const hash = createHash("sha256").update("x").digest("hex");

const listing = (records: string) => parseListing(Buffer.from(`\nmanifest\0${records}end\0`));

test("a manifest that is cut off, or is something else, is refused", () => {
  assert.deepEqual(
    [...listing(`s 1 8 77 12.5 a/b\0${hash} *./a/b\0`).files],
    [["a/b", { size: 1, sha256: hash, onDisk: 1, stamp: "77 12.5" }]],
  );
  assert.deepEqual(
    [...listing("s 1 8 77 12.5 gone\0").files],
    [["gone", { size: 1, sha256: null, onDisk: 1, stamp: "77 12.5" }]],
  );
  const chatty = Buffer.from("Welcome!\nmanifest\0s 1 8 77 12.5 a\0end\0");
  assert.deepEqual([...parseListing(chatty).files.keys()], ["a"], "what a shell says when it starts does not hurt");
  for (const text of ["", "\nmanifest\0s 1 a\0", "\nmanifest\0noise\0end\0", "s 1 8 77 12.5 a\0end\0", "end\0"]) {
    assert.throws(
      () => parseListing(Buffer.from(text)),
      (error) => isRemoteError(error),
      text,
    );
  }
});

test("what no honest machine writes is set aside", () => {
  const lies = [
    "s 1 8 77 12.5 ../a",
    "s 1 8 77 12.5 /a",
    "s 1 8 77 12.5 a/./b",
    "s 1 8 77 12.5 a//b",
    "l ../a",
    `${hash} *./../a`,
    `s ${"9".repeat(40)} 8 77 12.5 a`,
  ];
  for (const lie of lies) {
    const { files, links, lies: found } = listing(`s 1 8 77 12.5 sound\0${lie}\0${lie.startsWith("l") ? "t x\0" : ""}`);
    assert.deepEqual([[...files.keys()], [...links], found], [["sound"], [], [lie]], lie);
  }
});
