import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { openStateDir } from "../../../components/lib/state-dir.ts";
import { type Intent, Journal } from "../../../components/vast/journal/journal.ts";
import { startCommand } from "../../../scripts/lib/command.ts";
import { kill, processesOf } from "../../kills/processes.ts";
import { notAll } from "../../support/all.ts";
import { openProgram, type Program } from "../../support/program.ts";

const bin = join(import.meta.dirname, "..", "..", "..", "cli", "vast-run");

function intents({ home }: Program): Intent[] {
  return new Journal(openStateDir({ VAST_TRAINING_HOME: home }).journalDir).listOpen();
}

async function recover({ dir, env }: Program, words: string[] = []) {
  const { code, stdout, stderr } = await startCommand(bin, ["recover", "-s", "dev", ...words], { cwd: dir, env })
    .result;
  return { code, stdout, stderr, text: stdout + stderr };
}

/** `up` as soon as it has rented. It learns nothing of its machine, and so goes on waiting, until it is let go. */
async function upThatHasRented(program: Program) {
  const letGo = await program.holdLists();
  const up = program.start("up", ["--skip-preview"]);
  const ended = up.result.then((result) => assert.fail(result.stdout + result.stderr));
  ended.catch(() => {});
  for (;;) {
    const [intent] = intents(program);
    if (intent?.instanceIds?.length === 1) return { up, intent, letGo };
    await Promise.race([new Promise((resolve) => setTimeout(resolve, 50)), ended]);
  }
}

test("recover puts a stack in order after each kind of kill", async (t) => {
  const program = await openProgram(t, "vast-training");
  t.after(() =>
    kill(
      processesOf(`VAST_TRAINING_HOME=${program.home}`).map(({ pid }) => pid),
      "SIGKILL",
    ),
  );

  await t.test("nothing has happened: it says so", async () => {
    const { code, text } = await recover(program);
    assert.equal(code, 0, text);
    assert.match(text, /stack dev is in order: its state has no machine/);
  });

  await t.test("a command was killed as it wrote beside the state, which Pulumi cannot read then", async () => {
    const beside = join(program.home, "..", "backend", ".pulumi", "stacks", "vast-training", "dev.json.attrs");
    for (const half of ["", '{"user.content_type":"text/pl']) {
      writeFileSync(beside, half);
      assert.match((await program.pulumi("preview")).stderr, /failed to load checkpoint: .*EOF/);
      const asked = await startCommand(bin, ["env", "-s", "dev"], { cwd: program.dir, env: program.env }).result;
      assert.match(asked.stderr, /EOF\. A killed command can leave .*: vast-run recover/);
      const { code, text } = await recover(program);
      assert.equal(code, 0, text);
      assert.match(text, /removed \S+dev\.json\.attrs, which a killed command had left half written/);
      assert.match(text, /stack dev is in order/);
    }
  });

  await t.test("the owner of the lock lives: refused; killed: up refuses until recover has freed it", async () => {
    const { up, letGo } = await upThatHasRented(program);
    const refused = await recover(program, ["--yes"]);
    assert.equal(refused.code, 1, refused.text);
    assert.match(
      refused.stderr,
      new RegExp(`in use, and nothing was changed: process ${up.pid} of \\S+ on \\S+ \\(since `),
    );
    up.signal("SIGKILL");
    await up.result;
    await letGo();
    assert.match((await program.pulumi("up", ["--skip-preview"])).stderr, /the stack is currently locked by 1 lock/);
    const { code, text } = await recover(program);
    assert.equal(code, 0, text);
    assert.match(text, new RegExp(`freed the lock of process ${up.pid}`));
    assert.deepEqual(intents(program), []);
    assert.equal((await program.simulator.ledger()).living, 0);
    assert.doesNotMatch(await program.state(), /pending_operations/);
  });

  await t.test(
    "the provider is killed after its rental: recover names it, up takes it over",
    { skip: notAll },
    async () => {
      const { up, intent, letGo } = await upThatHasRented(program);
      process.kill(intent.pid, "SIGKILL");
      await letGo();
      await up.result;
      await program.simulator.post("/_sim/faults", { on: "GET /api/v1/instances/", do: "partialPage", times: 0 });
      const unseen = await recover(program);
      assert.equal(unseen.code, 1, unseen.text);
      assert.match(unseen.stderr, /the list of machines is incomplete, so nothing more was done; run this again later/);
      await fetch(`${program.simulator.url}/_sim/faults`, { method: "DELETE" });
      const left = await recover(program);
      assert.equal(left.code, 3, left.text);
      const {
        instanceIds: [instanceId],
        label,
      } = intent;
      assert.match(
        left.stdout,
        new RegExp(`instance ${instanceId} \\(${label}\\) bills and no stack holds it: 1x H100 SXM`),
      );
      assert.match(left.stdout, /\$\d+\.\d{3}\/h/);
      assert.match(left.stdout, /pulumi up -s dev takes it over; pulumi destroy -s dev ends it/);
      assert.equal(intents(program).length, 1, "the intent is kept");
      assert.match(await program.works("up", ["--skip-preview"]), /of an earlier run is taken over/);
      const { code, text } = await recover(program);
      assert.equal(code, 0, text);
      assert.match(text, new RegExp(`in order: its state has instance ${instanceId}, ready, up to \\$`));
      await program.works("destroy");
    },
  );
});
