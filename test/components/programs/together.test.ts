import assert from "node:assert/strict";
import { test } from "node:test";
import { type Action, together } from "../../../components/programs/together.ts";

const calledOff: Action<never> = (signal) =>
  new Promise((_, reject) => {
    const end = () => setImmediate(() => reject(new Error("called off")));
    if (signal.aborted) end();
    else signal.addEventListener("abort", end);
  });

test("actions run side by side, and each has its own answer", async () => {
  const { promise, resolve } = Promise.withResolvers<string>();
  const answers = await together(
    undefined,
    () => promise,
    async () => resolve("told by the second"),
  );
  assert.deepEqual(answers, ["told by the second", undefined]);
});

test("the first that fails calls off the others, which are waited for, and is what is thrown", async () => {
  let ended = 0;
  const other: Action<never> = (signal) => calledOff(signal).finally(() => ended++);
  const failing = async () => {
    throw new Error("first");
  };
  await assert.rejects(together(undefined, other, failing, other), /^Error: first$/);
  assert.equal(ended, 2);
});

test("who calls them off gets the error of one of them", async () => {
  const stop = new AbortController();
  const running = together(stop.signal, calledOff, calledOff);
  stop.abort();
  await assert.rejects(running, /called off/);
});
