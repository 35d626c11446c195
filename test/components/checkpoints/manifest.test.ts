import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { beforeSums, type Listing, parseListing } from "../../../components/checkpoints/manifest.ts";
import { isRemoteError } from "../../../components/ssh/remote-error.ts";

const hash = createHash("sha256").update("x").digest("hex");

const listing = (records: string) => parseListing(Buffer.from(`\nmanifest\0${records}end\0`));

test("a manifest that is cut off, or is something else, is refused", () => {
  assert.deepEqual(
    [...listing(`s 1 8 77 12.5 12.6 a/b\0${hash} *./a/b\0`).files],
    [["a/b", { size: 1, sha256: hash, onDisk: 1, stamp: "77 12.5 12.6" }]],
  );
  assert.deepEqual(
    [...listing("s 1 8 77 12.5 12.6 gone\0").files],
    [["gone", { size: 1, sha256: null, onDisk: 1, stamp: "77 12.5 12.6" }]],
  );
  const chatty = Buffer.from("Welcome!\nmanifest\0s 1 8 77 12.5 12.6 a\0end\0");
  assert.deepEqual([...parseListing(chatty).files.keys()], ["a"], "what a shell says when it starts does not hurt");
  for (const text of ["", "\nmanifest\0s 1 a\0", "\nmanifest\0noise\0end\0", "s 1 8 77 12.5 12.6 a\0end\0", "end\0"]) {
    assert.throws(
      () => parseListing(Buffer.from(text)),
      (error) => isRemoteError(error),
      text,
    );
  }
});

test("what is listed is there before its sums are, however it is cut into chunks", () => {
  const text = `\nmanifest\0n 7\0s 1 8 77 12.5 12.6 ./a\0sums\0${hash} *./a\0end\0`;
  assert.equal(parseListing(Buffer.from(text)).files.get("a")?.sha256, hash);
  const end = text.indexOf("sums\0") + 5;
  for (const cut of [10, end - 3, end]) {
    const heard: Listing[] = [];
    const hear = beforeSums((listing) => heard.push(listing));
    hear(Buffer.from(text.slice(0, cut)));
    assert.equal(heard.length, cut < end ? 0 : 1);
    hear(Buffer.from(text.slice(cut, end)));
    assert.deepEqual(
      [...(heard[0]?.files ?? [])],
      [["a", { size: 1, sha256: null, onDisk: 1, stamp: "77 12.5 12.6" }]],
    );
    hear(Buffer.from(text.slice(end)));
    assert.equal(heard.length, 1);
  }
  // What cannot be read is an error of the whole.
  beforeSums(() => assert.fail("it cannot be read"))(Buffer.from("\nmanifest\0noise\0sums\0"));
});

test("what no honest machine writes is set aside", () => {
  const lies = [
    "s 1 8 77 12.5 12.6 ../a",
    "s 1 8 77 12.5 12.6 /a",
    "s 1 8 77 12.5 12.6 a/./b",
    "s 1 8 77 12.5 12.6 a//b",
    "l ../a",
    "e ./../a",
    "x dangles ./a/../../b",
    `${hash} *./../a`,
    `s ${"9".repeat(40)} 8 77 12.5 12.6 a`,
  ];
  for (const lie of lies) {
    const rest: Record<string, string> = { l: "e ./sound\0", x: "t /data\0" };
    const before = lie.startsWith("e") ? "l ./in\0" : "l ./in\0e ./sound\0";
    const text = `s 1 8 77 12.5 12.6 ./sound\0${before}${lie}\0${rest[lie[0] ?? ""] ?? ""}`;
    const { files, links, refused, lies: found } = listing(text);
    const linked = lie.startsWith("e") ? [] : [["in", "sound"]];
    assert.deepEqual([[...files.keys()], [...links], refused, found], [["sound"], linked, [], [lie]], lie);
  }
});

test("links, refused ones, writers and the machine's clock are data", () => {
  const text =
    "n 1766.25\0w 47 py\u001b[2Jthon\n\0l ./a\0e ./run/b\0l ./all\0e .\0x dangles ./c\0t /da\nta\0x dangles .\0t /x\0";
  const { now, writers, links, refused } = listing(text);
  assert.equal(now, 1766.25);
  assert.deepEqual(writers, [{ pid: 47, command: "python" }]);
  assert.deepEqual(
    [...links],
    [
      ["a", "run/b"],
      ["all", ""],
    ],
  );
  assert.deepEqual(refused, [
    { name: "c", why: "dangles", end: "/da\nta" },
    { name: "", why: "dangles", end: "/x" },
  ]);
});
