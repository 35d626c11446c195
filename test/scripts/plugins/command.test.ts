import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { processesWith } from "../../../scripts/lib/traces.ts";
import { notAll } from "../../support/all.ts";
import { localSshd, noSshd, publicKey } from "./local-sshd.ts";
import { tinyProgram } from "./tiny-program.ts";

test("remote.Command runs steps on a machine as the program wants them", { skip: noSshd || notAll }, async (t) => {
  const sshd = await localSshd();
  const program = tinyProgram();
  t.after(async () => {
    program.close();
    await sshd.close();
  });
  const log = join(sshd.folder, "log");
  const ran = () => (existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : []);
  const { port, user, privateKey, hostKey } = sshd;
  const connection = { host: "127.0.0.1", port, user, privateKey, hostKey };
  const script = (word: string) => `# canary-${word}\necho ${word} >> ${log}\necho printed ${word}\n`;
  const step = (word: string) => ({
    connection,
    create: "sh -s",
    stdin: script(word),
    triggers: ["a"],
    addPreviousOutputInEnv: false,
  });
  const UP = ["up", "--yes", "--skip-preview", "-s", "dev"];
  const good = async (inputs: object) => {
    const result = await program.pulumi(UP, { step: inputs });
    assert.equal(result.code, 0, result.stdout + result.stderr);
    return result.stdout;
  };
  await program.pulumi(["stack", "init", "dev"]);

  await t.test("a machine that does not answer yet is dialled again", async () => {
    const started = sshd.startAfterFirstDial();
    const text = await good(step("one"));
    await started;
    assert.deepEqual(ran(), ["one"]);
    assert.match(text, /printed one/);
    assert.match(text, /Dial 1\/10 failed: retrying/);
  });
  await t.test("secrets are not in the state", async () => {
    const { stdout } = await program.pulumi(["stack", "export", "-s", "dev"]);
    assert.match(stdout, /"printed one"/);
    assert.doesNotMatch(stdout, /canary/);
    assert.doesNotMatch(stdout, /OPENSSH/);
  });
  await t.test("unchanged inputs run nothing, also after a refresh", async () => {
    const refreshed = await program.pulumi(["refresh", "--yes", "--skip-preview", "-s", "dev"], {
      step: step("one"),
    });
    assert.equal(refreshed.code, 0, refreshed.stdout);
    assert.match(await good(step("one")), /2 unchanged/);
    assert.deepEqual(ran(), ["one"]);
  });
  await t.test("a changed stdin runs the step again", async () => {
    assert.match(await good(step("two")), /1 updated/);
    assert.deepEqual(ran(), ["one", "two"]);
  });
  await t.test("a changed trigger replaces the step", async () => {
    assert.match(await good({ ...step("two"), triggers: ["b"] }), /1 replaced/);
    assert.deepEqual(ran(), ["one", "two", "two"]);
  });
  await t.test("the update command is preferred, and accepted variables reach it", { skip: notAll }, async () => {
    await good({ ...step("three"), triggers: ["b"], update: `echo $COLOUR >> ${log}`, environment: { COLOUR: "red" } });
    assert.deepEqual(ran().slice(3), ["red"]);
  });
  await t.test("what cannot be is an error, each of its own", async (t) => {
    const before = ran();
    const other = publicKey(join(sshd.folder, "user.pub"));
    const agentSocketPath = join(sshd.folder, "no-agent");
    const result = await program.pulumi([...UP, "--continue-on-error"], {
      variable: { ...step("four"), environment: { SHAPE: "round" } },
      stranger: { ...step("four"), connection: { ...connection, hostKey: other, dialErrorLimit: 1 } },
      agent: { ...step("four"), connection: { ...connection, agentSocketPath } },
      fails: { ...step("four"), stdin: "printf 'out\\033[2J\\n'; echo err >&2; exit 7" },
    });
    assert.notEqual(result.code, 0, result.stdout);
    const text = result.stdout + result.stderr;
    assert.deepEqual(ran(), before, "no step that is an error runs");
    await t.test("a variable that the machine refuses", () => assert.match(text, /SHAPE/));
    await t.test("another host key", () => assert.match(text, /after 1 failed attempts: .*host key mismatch/));
    await t.test("a named agent that is dead, also beside a key", () =>
      assert.ok(text.includes(`dial unix ${agentSocketPath}`), text),
    );
    await t.test("a failed command shows its status, itself and what it printed", () => {
      assert.equal(text.includes("\x1b[2J"), false, "what a machine prints does nothing to the terminal");
      assert.match(text, /exited with status 7: running "sh -s":/);
      assert.match(text, /out/);
      assert.match(text, /err/);
    });
  });
  await t.test("two interrupts end a step at once, and its ssh with it", async () => {
    const pid = join(sshd.folder, "pid");
    const inputs = { step: { ...step("five"), stdin: `echo $$ > ${pid}; echo started; exec sleep 600` } };
    // What comes after the second one is no part of this: each is sent once.
    const awaited = [/started/, /cancel|interrupt/i];
    const up = program.start(UP, inputs, (line) => {
      if (!awaited[0]?.test(line)) return;
      awaited.shift();
      up.signal("SIGINT");
    });
    const { code } = await up.result;
    process.kill(Number(readFileSync(pid, "utf8"))); // what ran on the machine goes on, as with the official plugin
    assert.notEqual(code, 0);
    while (processesWith(`STEP=${JSON.stringify(inputs)}`).length > 0) await sleep(50);
    // A second ^C may come while the engine still holds its lock.
    await program.pulumi(["cancel", "--yes", "-s", "dev"]);
  });
  await t.test("a step without a delete command is deleted without the machine", { skip: notAll }, async () => {
    await good(step("five"));
    await sshd.stop();
    const result = await program.pulumi(["destroy", "--yes", "--skip-preview", "-s", "dev"]);
    assert.equal(result.code, 0, result.stdout);
  });
});
