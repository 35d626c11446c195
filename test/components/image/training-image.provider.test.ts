import assert from "node:assert/strict";
import { test } from "node:test";
import { changes, pin } from "../../../components/image/training-image.provider.ts";

const found = { pinned: "a/b@sha256:1", compressedBytes: 5, isPrivate: false };
const moved = { ...found, pinned: "a/b@sha256:2" };
const kept = { image: "a/b", tag: "", parts: {}, ...found };

test("a tag is resolved once, and kept while its text is the same", () => {
  assert.deepEqual(pin({}, { image: "a/b", found }), { image: "a/b", ...found });
  assert.deepEqual(pin(kept, { image: "a/b", found: moved }), { image: "a/b", ...found });
  assert.deepEqual(pin(kept, { image: "a/b", found: null }), { image: "a/b", ...found });
  assert.equal(pin(kept, { image: "a/b:new", found: moved }).pinned, moved.pinned);
  assert.equal(pin({ ...kept, tag: "deps-0" }, { image: "a/b", found: moved }).pinned, moved.pinned, "it was built");
});

test("what could not be looked up is the text itself, until it can", () => {
  const unknown = pin({}, { image: "a/b", found: null });
  assert.deepEqual(unknown, { image: "a/b", pinned: "a/b", compressedBytes: null, isPrivate: false });
  assert.equal(pin({ ...unknown, tag: "" }, { image: "a/b", found }).pinned, found.pinned);
});

test("what makes another image", () => {
  assert.deepEqual(changes(kept, kept), []);
  assert.deepEqual(changes(kept, { ...kept, pinned: moved.pinned }), ["pinned"]);
  const built = { ...kept, tag: "deps-1" };
  assert.deepEqual(changes(built, { ...built, pinned: moved.pinned }), [], "the tag says what is inside");
  assert.deepEqual(changes(built, { image: "a/b", tag: "deps-2" }), ["tag"]);
  assert.deepEqual(changes(built, { image: "a/b" }), [], "a commit that is not known yet");
});
