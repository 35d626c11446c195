import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import {
  type CheckpointsState,
  changes,
  movedFolder,
  provider,
} from "../../../components/checkpoints/checkpoints.provider.ts";

const home = mkdtempSync(join(tmpdir(), "vast-checkpoints-"));
process.env.VAST_TRAINING_HOME = home;
after(() => rmSync(home, { recursive: true }));

const state: CheckpointsState = {
  instanceId: "7",
  apiUrl: "",
  apiKeyFile: "",
  sshKeyFile: "",
  hostKey: "ssh-ed25519 AAAA",
  pricePerHour: 2,
  from: "/workspace/checkpoints",
  checkpointsTo: "/home/x",
  stack: "local",
  stopGraceSeconds: 60,
  training: "a".repeat(64),
  rescueBudget: 1,
  home: "/home/x/local/7",
  __urn: "urn",
};
const { home: _home, ...inputs } = state;
const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

test("another place or patience is an update, another instance passes the gate first", () => {
  assert.deepEqual(changes(state, inputs), { changes: false, replaces: [], deleteBeforeReplace: true });
  assert.equal(changes(state, { ...inputs, checkpointsTo: "/home/y" }).changes, true);
  assert.deepEqual(changes(state, { ...inputs, stopGraceSeconds: 1 }).replaces, []);
  assert.deepEqual(changes(state, { ...inputs, instanceId: "8" }).replaces, ["instanceId"]);
});

test("what is not known yet is no change", () => {
  const unknown = { ...inputs, instanceId: UNKNOWN, hostKey: UNKNOWN, pricePerHour: UNKNOWN as unknown as number };
  assert.equal(changes(state, unknown).changes, false);
});

test("another clone of the project keeps the folder at home, and says so; the state has no word of clones", async (t) => {
  const clone = mkdtempSync(join(tmpdir(), "vast-clone-"));
  t.after(() => rmSync(clone, { recursive: true }));
  writeFileSync(join(clone, "Pulumi.yaml"), "");
  const olds = { ...inputs, checkpointsTo: join(clone, "kept") };
  const news = { ...inputs, checkpointsTo: "/elsewhere/kept", clone: "/elsewhere" };
  assert.deepEqual(await provider.check(olds, news), { inputs: olds, failures: [] });
  assert.deepEqual(await provider.check({}, news), {
    inputs: { ...inputs, checkpointsTo: "/elsewhere/kept" },
    failures: [],
  });
});

test("the folder on the machine cannot change under checkpoints that lie in it", () => {
  assert.deepEqual(movedFolder(inputs, inputs), []);
  assert.deepEqual(movedFolder({}, inputs), []);
  assert.match(movedFolder(inputs, { ...inputs, from: "/other" })[0]?.reason ?? "", /checkpointsDir .* 7 .*destroy/);
  assert.deepEqual(movedFolder(inputs, { ...inputs, from: "/other", instanceId: UNKNOWN }), []);
});

test("the folder at home is named after stack and instance", async () => {
  const { mark, ...outs } = (await provider.create(inputs)).outs;
  assert.deepEqual(outs, state);
  assert.match(mark ?? "", /^a{64} since 2/);
});

test("a training that comes back is not the one that was there before", async () => {
  const first = { ...state, mark: `${state.training} since 2020` };
  const same = (await provider.update("", first, { ...inputs, stopGraceSeconds: 1 })).outs;
  assert.equal(same.mark, first.mark);
  const other = (await provider.update("", first, { ...inputs, training: "b".repeat(64) })).outs;
  const back = (await provider.update("", other, inputs)).outs;
  assert.ok(back.mark?.startsWith(`${state.training} since `) && back.mark !== first.mark);
  const { training: _training, ...older } = inputs;
  assert.equal((await provider.create(older)).outs.mark, undefined);
});
