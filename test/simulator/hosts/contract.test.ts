import assert from "node:assert/strict";
import { test } from "node:test";
import type { Host } from "../../../simulator/hosts/index.ts";
import { needsRoot, on, open, openScene } from "../../support/hosts.ts";

/** The container's log has a line. */
async function logged(host: Host, line: string): Promise<string> {
  for (;;) {
    const log = await host.logs(1000);
    if (log.split("\n").includes(line)) return log;
    await new Promise((done) => setImmediate(done));
  }
}

test("the contract's variables reach onstart and PID 1, not ssh sessions", needsRoot, async (t) => {
  const { key, machine } = await openScene(t);
  const env = { GREETING: "hello 'you'\nthere", "not.for.bash": "x", CONTAINER_ID: "9" };
  const host = await machine({ id: 31_415, gpus: 4, env, onstart: "env; echo ended\n" });
  const log = await logged(host, "ended");
  const expected = [
    "CONTAINER_ID=31415",
    "CONTAINER_API_KEY=instance-key",
    "VAST_CONTAINERLABEL=C.31415",
    "PUBLIC_IPADDR=127.0.0.1",
    `VAST_TCP_PORT_22=${host.directPort}`,
    "GPU_COUNT=4",
    "DATA_DIRECTORY=/workspace",
    `SSH_PUBLIC_KEY=${key.publicKey}`,
    "GREETING=hello 'you'",
    "there",
  ];
  for (const line of expected) assert.ok(log.split("\n").includes(line), line);
  const first = await on(host, key, "tr '\\0' '\\n' </proc/1/environ");
  for (const line of expected) assert.ok(first.split("\n").includes(line), line);
  const session = await on(host, key, "env");
  assert.doesNotMatch(session, /CONTAINER_|VAST_|GPU_COUNT|GREETING|DATA_DIRECTORY/);
  assert.match(session, /^PATH=\/usr\/local\/sbin:\/usr\/local\/bin:\/usr\/sbin:\/usr\/bin:\/sbin:\/bin$/m);
});

test("onstart runs at each start, in the background, and its end ends nothing", needsRoot, async (t) => {
  const { key, machine } = await openScene(t);
  const host = await machine({ onstart: "echo run >>/root/runs; echo run $(wc -l </root/runs); exit 3" });
  await logged(host, "run 1");
  await host.stop();
  assert.match(await host.logs(10), /^run 1$/m);
  await host.start();
  await open(host);
  await logged(host, "run 2");
  assert.equal(await host.logs(1), "run 2\n");
  assert.equal(await host.logs(0), "");
  assert.match(await on(host, key, "cat /root/onstart.sh"), /^echo run >>/);
});

test("a session gets nothing of the client's environment, and a key of its own", needsRoot, async (t) => {
  const { key, machine } = await openScene(t);
  const host = await machine({ id: 27, instanceApiKey: "of-this-instance" });
  const files = "cat ~/.vast_api_key ~/.vast_containerlabel; stat -c %a ~/.vast_api_key";
  assert.equal(await on(host, key, files), "of-this-instance\nC.27\n600");
});

test("nvidia-smi tells what was rented", needsRoot, async (t) => {
  const { key, machine } = await openScene(t);
  const host = await machine({ gpuName: "RTX 4090", gpus: 2, gpuRamMb: 24_564 });
  const query = "nvidia-smi --query-gpu=index,name,memory.total,count --format=";
  assert.equal(
    await on(host, key, `${query}csv`),
    "index, name, memory.total [MiB], count\n0, NVIDIA RTX 4090, 24564 MiB, 2\n1, NVIDIA RTX 4090, 24564 MiB, 2",
  );
  const bare = "0, NVIDIA RTX 4090, 24564, 2\n1, NVIDIA RTX 4090, 24564, 2";
  assert.equal(await on(host, key, `${query}csv,noheader,nounits`), bare);
  assert.match(await on(host, key, "nvidia-smi -L"), /^GPU 0: NVIDIA RTX 4090 \(UUID: GPU-[0-9a-f-]{36}\)\nGPU 1: /);
  assert.match(await on(host, key, "nvidia-smi"), /\| +1 +NVIDIA RTX 4090 +0MiB \/ 24564MiB \|/);
  assert.equal(
    await on(host, key, "nvidia-smi --query-gpu=colour --format=csv || echo $?"),
    'Field "colour" is not a valid field to query.\n2',
  );
});
