import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { agentKeys as agentKeysWithin, publicKeysIn } from "../../../components/run/keys.ts";

/** On a machine that is held up an agent that lives answers late. */
const agentKeys = (wanted: string, env: NodeJS.ProcessEnv) => agentKeysWithin(wanted, env, 60_000);

test("the keys of an agent are all, none, or those with a comment; a dead agent has none", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "agent-"));
  t.after(() => rmSync(dir, { recursive: true }));
  const socket = join(dir, "agent.sock");
  const env = { ...process.env, SSH_AUTH_SOCK: socket };
  assert.deepEqual(await agentKeys("all", { ...process.env, SSH_AUTH_SOCK: undefined }), []);
  assert.deepEqual(await agentKeys("all", env), []);

  const agent = spawn("ssh-agent", ["-D", "-a", socket], { stdio: ["ignore", "pipe", "ignore"] });
  t.after(() => agent.kill());
  await once(agent.stdout, "data");
  for (const comment of ["laptop", "desk"]) {
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", join(dir, comment)]);
    execFileSync("ssh-add", ["-q", join(dir, comment)], { env, stdio: "ignore" });
  }
  assert.equal((await agentKeys("all", env)).length, 2);
  assert.deepEqual(await agentKeys("none", env), []);
  assert.match((await agentKeys("desk", env)).join(), /^ssh-ed25519 \S+ desk$/);
});

test("only lines that are public keys are taken", () => {
  assert.deepEqual(
    publicKeysIn("The agent has no identities.\nssh-ed25519 AAAA me\nssh-ed25519-cert-v01@openssh.com AAAA x\n"),
    ["ssh-ed25519 AAAA me"],
  );
});
