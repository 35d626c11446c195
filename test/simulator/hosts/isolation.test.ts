import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { needsRoot, on, openScene } from "../../support/hosts.ts";

test("nothing of this machine is seen that is not named", needsRoot, async (t) => {
  const canary = `canary-${randomUUID()}`;
  const { folder, home, key, machine } = await openScene(t);
  for (const place of ["/root", "/home", "/opt", "/var/tmp", home, folder]) {
    const nest = place === home || place === folder ? place : mkdtempSync(join(place, "canary-"));
    if (nest !== place) t.after(() => rmSync(nest, { recursive: true, force: true }));
    writeFileSync(join(nest, canary), canary);
  }
  const host = await machine();
  const roots = "/ -xdev -not -path '/proc/*'";
  assert.equal(await on(host, key, `find ${roots} -name '${canary}'; ls -d ${folder} 2>/dev/null || true`), "");
  assert.equal(await on(host, key, "ls -A /home /srv /mnt /media /sys /var/tmp /tmp | grep -v : | xargs"), "");
  assert.equal(
    await on(host, key, "ls /etc/ssh"),
    "banner\nssh_host_ed25519_key\nssh_host_ed25519_key.pub\nsshd_config",
  );
  assert.equal(await on(host, key, "cut -d: -f2 /etc/shadow | sort -u"), "*");
  assert.equal(
    await on(host, key, "ls -A /root | tr '\\n' ' '"),
    ".bashrc .profile .ssh .vast_api_key .vast_containerlabel onstart.sh",
  );
});

test("what is mounted names no folder of this machine", needsRoot, async (t) => {
  const { folder, key, machine } = await openScene(t);
  const host = await machine();
  const mounts = await on(host, key, "cat /proc/self/mountinfo /proc/self/mounts");
  assert.equal(mounts.includes(folder), false);
  assert.equal(mounts.includes("vast-training"), false);
});

test("its processes, names and devices are its own", needsRoot, async (t) => {
  const { key, machine } = await openScene(t);
  const host = await machine();
  assert.equal(
    await on(host, key, 'cat /proc/1/comm; seen=$(ps -eo comm=); echo "$seen" | sort -u | xargs'),
    "bash\nbash ps sshd",
  );
  assert.notEqual(hostname(), await on(host, key, "hostname"));
  const devices = "stat -c '%F %n' /dev/* | sed -n 's/^\\(block\\|character\\) special file //p' | xargs";
  assert.equal(await on(host, key, devices), "/dev/full /dev/null /dev/random /dev/tty /dev/urandom /dev/zero");
  for (const attempt of ["mknod /tmp/disk b 8 0", "mount -t tmpfs none /mnt", "echo 1 >/proc/sys/vm/drop_caches"]) {
    assert.equal(await on(host, key, `${attempt} 2>/dev/null || echo no`), "no");
  }
});

test("two machines do not see each other", needsRoot, async (t) => {
  const { key, machine } = await openScene(t);
  const [one, other] = await Promise.all([machine(), machine()]);
  await on(one, key, "echo secret | tee /workspace/file /dev/shm/file >/usr/local/file");
  assert.equal(
    await on(other, key, "cat /workspace/file /dev/shm/file /usr/local/file 2>/dev/null || echo none"),
    "none",
  );
  const hostKey = "cat /etc/ssh/ssh_host_ed25519_key.pub";
  assert.notEqual(await on(one, key, hostKey), await on(other, key, hostKey));
});
