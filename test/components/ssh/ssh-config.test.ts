import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { probe } from "../../../components/ssh/probe.ts";
import { removeSshConfig, sshCommand, sshConfigFile, writeSshConfig } from "../../../components/ssh/ssh-config.ts";
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
