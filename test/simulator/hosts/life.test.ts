import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { makeKey, needsRoot, on, open, openScene, specOf, ssh } from "../../support/hosts.ts";

test("a key opens both ports, another one neither", needsRoot, async (t) => {
  const { key, folder, machine } = await openScene(t);
  const host = await machine();
  const stranger = makeKey(folder, "stranger");
  for (const port of [host.directPort, host.proxyPort]) {
    assert.equal((await ssh(port, key, "id -un; hostname")).stdout, "root\nC.1001\n");
    const refused = await ssh(port, stranger, "true");
    assert.equal(refused.code, 255);
    assert.match(refused.stderr, /Permission denied \(publickey\)/);
  }
});

test("keys are rewritten as a whole, now and at the next start", needsRoot, async (t) => {
  const { key, folder, machine } = await openScene(t);
  const host = await machine();
  const other = makeKey(folder, "other");
  await on(host, key, "echo 'ssh-ed25519 AAAA by-hand' >>~/.ssh/authorized_keys");
  await host.authorize([other.publicKey]);
  assert.equal(await on(host, other, "cat ~/.ssh/authorized_keys"), other.publicKey);
  await host.stop();
  await host.authorize([key.publicKey, other.publicKey]);
  await host.start();
  await open(host);
  assert.equal(await on(host, key, "cat ~/.ssh/authorized_keys"), `${key.publicKey}\n${other.publicKey}`);
});

test("files survive a stop, processes do not", needsRoot, async (t) => {
  const { key, machine } = await openScene(t);
  const host = await machine();
  await on(
    host,
    key,
    "echo kept | tee /workspace/file /root/file /tmp/file /usr/local/bin/file /var/log/file >/dev/null",
  );
  await on(host, key, "tmux new-session -d -s train 'sleep 100000'");
  const hostKey = await on(host, key, "cat /etc/ssh/ssh_host_ed25519_key.pub");
  await host.stop();
  await host.start();
  await open(host);
  const files = "/workspace/file /root/file /tmp/file /usr/local/bin/file /var/log/file";
  assert.equal(await on(host, key, `cat ${files} | sort -u`), "kept");
  assert.equal(await on(host, key, "cat /etc/ssh/ssh_host_ed25519_key.pub"), hostKey);
  assert.equal(await on(host, key, "pgrep -c sleep || true"), "0");
});

test("a session that is open ends with the machine", needsRoot, async (t) => {
  const { key, machine } = await openScene(t);
  const host = await machine();
  const session = ssh(host.directPort, key, "echo here >/tmp/mark; exec sleep 100000");
  await on(host, key, "until [ -s /tmp/mark ]; do sleep 0.05; done");
  await host.stop();
  assert.equal((await session).code, 255);
});

test("nothing survives a destroy", needsRoot, async (t) => {
  const { hosts, home, key, machine } = await openScene(t);
  const host = await machine({ id: 7 });
  await on(host, key, "mkdir -p /workspace/deep/er && touch /workspace/deep/er/file; ln -s / /workspace/root");
  const { directPort } = host;
  await host.destroy();
  assert.deepEqual(readdirSync(home), ["base"]);
  assert.match((await ssh(directPort, key, "true")).stderr, /Connection refused/);
  const next = await hosts.create(specOf({ id: 7, authorizedKeys: [key.publicKey] }));
  await next.start();
  await open(next);
  assert.equal(await on(next, key, "ls /workspace"), "");
  await hosts.close();
  assert.deepEqual(readdirSync(home), []);
});

test("a second start is a restart; what is done twice does no harm", needsRoot, async (t) => {
  const { hosts, home, machine } = await openScene(t);
  const host = await machine();
  await host.openSshd();
  await host.start();
  await host.stop();
  await host.stop();
  await host.destroy();
  await host.destroy();
  const unused = await hosts.create(specOf({ id: 9 }));
  await unused.destroy();
  assert.equal(existsSync(`${home}/9`), false);
});

test("ports can be rolled anew", needsRoot, async (t) => {
  const { key, machine } = await openScene(t);
  const host = await machine();
  const before = host.directPort;
  await host.rerollPorts();
  assert.notEqual(host.directPort, before);
  assert.match((await ssh(host.directPort, key, "true")).stderr, /Connection refused/);
  await host.setLink("direct", "open");
  assert.equal((await ssh(host.directPort, key, "echo back")).stdout, "back\n");
});

test("where overlays cannot be had, layers are copied", needsRoot, async (t) => {
  const { key, machine } = await openScene(t, { storage: "copy" });
  const host = await machine({ image: "japhba/cot-oracle" });
  assert.equal(await on(host, key, "command -v uv; ls /workspace"), "/usr/local/bin/uv\nao_reference\nvenvs");
  await on(host, key, "echo kept | tee /workspace/file >/usr/local/bin/file");
  await host.stop();
  await host.start();
  await open(host);
  assert.equal(await on(host, key, "cat /workspace/file /usr/local/bin/file; nvidia-smi -L | wc -l"), "kept\nkept\n1");
});
