import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { probe } from "../../../components/ssh/probe.ts";
import {
  includeLine,
  removeSshConfig,
  sshCommand,
  sshConfigFile,
  stackAlias,
  writeSshConfig,
} from "../../../components/ssh/ssh-config.ts";
import { needsRoot, sshd, temporaryHome } from "../../support/sshd.ts";

test("the command line for people works as it is, whatever is in their way", needsRoot, async (t) => {
  const { path, key } = temporaryHome(t);
  const server = await sshd(t, key.publicKey);
  const folder = join(path, "with a blank");
  mkdirSync(folder);
  const ours = { ...key, knownHostsFile: join(folder, "known_hosts") };
  const access = { instanceId: 7, key: ours, firstUse: true };
  await probe({ host: "127.0.0.1", port: server.port, via: "direct" }, access);
  writeSshConfig({ host: "127.0.0.1", port: server.port, instanceId: 7, key: ours });
  assert.equal(statSync(sshConfigFile(folder, 7)).mode & 0o777, 0o600);
  const env = { ...process.env, HOME: path, SSH_AUTH_SOCK: `${path}/dead.sock` };
  const command = `${sshCommand({ instanceId: 7, key: ours })} 'echo "$((6 * 7)) it works"'`;
  const { stdout } = await promisify(execFile)("sh", ["-c", command], { env });
  assert.equal(stdout, "42 it works\n");
  removeSshConfig(folder, 7);
  assert.equal(existsSync(sshConfigFile(folder, 7)), false);
});

test(
  "with one line in a config that would keep it from getting there, ssh knows a stack's newest machine",
  needsRoot,
  async (t) => {
    const { path, key } = temporaryHome(t);
    const server = await sshd(t, key.publicKey);
    const folder = join(path, "with a blank");
    mkdirSync(folder);
    const ours = { ...key, knownHostsFile: join(folder, "known_hosts") };
    const access = { instanceId: 8, key: ours, firstUse: true };
    await probe({ host: "127.0.0.1", port: server.port, via: "direct" }, access);
    const theirs = "Host *\n  ProxyCommand false\n  User nobody\n";
    const userConfig = join(path, "config");
    writeFileSync(userConfig, `${includeLine(folder)}\n${theirs}`);
    writeSshConfig({ host: "127.0.0.1", port: 1, instanceId: 7, key: ours, stack: "dev" });
    writeSshConfig({ host: "127.0.0.1", port: server.port, instanceId: 8, key: ours, stack: "dev" });
    for (const name of ["vast-dev", "vast-8"]) {
      const { stdout } = await promisify(execFile)("ssh", ["-F", userConfig, name, "echo in"], {
        env: { ...process.env, SSH_AUTH_SOCK: `${path}/dead.sock` },
      });
      assert.equal(stdout, "in\n");
    }
    writeSshConfig({ host: "127.0.0.1", port: 1, instanceId: 9, key: ours, stack: "other" });
    removeSshConfig(folder, 8, userConfig);
    assert.equal(readFileSync(userConfig, "utf8"), `${includeLine(folder)}\n${theirs}`, "another stack needs it");
    removeSshConfig(folder, 9, userConfig);
    assert.equal(readFileSync(userConfig, "utf8"), theirs);
  },
);

test("a stack whose name could be a machine's, or more than a name, has no name for ssh", () => {
  assert.deepEqual(["dev", "12", "a b", "*", "my.stack-2"].map(stackAlias), [
    "vast-dev",
    undefined,
    undefined,
    undefined,
    "vast-my.stack-2",
  ]);
});
