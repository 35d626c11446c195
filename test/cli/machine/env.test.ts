import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { envLines } from "../../../cli/machine/env.ts";
import type { StackMachine } from "../../../cli/machine/machine.ts";

function machine(directory: string): StackMachine {
  const key = {
    privateKeyFile: `${directory}/id`,
    publicKey: "ssh-ed25519 AAAA x",
    knownHostsFile: `${directory}/known`,
  };
  const endpoint = { host: "203.0.113.7", port: 41022, via: "direct" as const, hostKey: "ssh-ed25519 AAAA" };
  return { instanceId: 7001, key, endpoint } as StackMachine;
}

/** The words a shell makes of an unquoted $SSH_CMD. */
function wordsIn(shell: string, lines: string): string[] {
  const script = `eval "$LINES_"; printf '%s\\n' $SSH_CMD "$INSTANCE_ID" "$SSH_HOST" "$SSH_PORT"`;
  const output = execFileSync(shell, ["-c", script], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { PATH: "/usr/bin:/bin", LINES_: lines },
    encoding: "utf8",
  });
  return output.trim().split("\n");
}

for (const shell of ["sh", "bash"]) {
  test(`after eval in ${shell}, the unquoted SSH_CMD is a whole ssh command`, () => {
    const words = wordsIn(shell, envLines(machine("/state/ssh")));
    assert.equal(words[0], "ssh");
    assert.deepEqual(words.slice(-4), ["root@203.0.113.7", "7001", "203.0.113.7", "41022"]);
    assert.ok(words.includes("/state/ssh/id"));
    assert.ok(words.includes("UserKnownHostsFile=/state/ssh/known"));
    assert.ok(words.includes("StrictHostKeyChecking=yes"), "the host key is pinned, not waved through");
  });
}

test("what a shell would expand arrives as it is", () => {
  const words = wordsIn("sh", envLines(machine("/state/$HOME;`id`&/ssh")));
  assert.ok(words.includes("/state/$HOME;`id`&/ssh/id"), words.join("\n"));
});

for (const path of ["/my state/ssh", "/state/*/ssh", "/it's/ssh"]) {
  test(`a path that cannot survive word splitting is refused with what to set: ${path}`, () => {
    assert.throws(() => envLines(machine(path)), {
      code: 2,
      message: /Set VAST_TRAINING_HOME, or sshKey, to a path/,
    });
  });
}
