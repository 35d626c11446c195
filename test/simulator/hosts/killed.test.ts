import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { realHosts } from "../../../simulator/hosts/index.ts";
import { makeKey, needsRoot, on, open, specOf, temporaryFolder } from "../../support/hosts.ts";

const modules = join(import.meta.dirname, "../../../simulator/hosts/index.ts");

/** A simulator of one machine: says "up" when it is. */
const simulator = `
import { realHosts } from ${JSON.stringify(modules)};
const { home, spec } = JSON.parse(process.argv[1]);
const hosts = await realHosts({ home });
const host = await hosts.create(spec);
await host.start();
await host.openSshd();
await host.setLink("direct", "open");
console.log(JSON.stringify({ directPort: host.directPort }));
setInterval(() => {}, 1000);
`;

/** Living processes whose command line or folder shows that they belong to a home or carry a mark. */
function belonging(home: string, mark: string): string[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && name !== String(process.pid));
  return pids.filter((pid) => {
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, "utf8");
      return words !== "" && (words.includes(mark) || readlinkSync(`/proc/${pid}/cwd`).startsWith(home));
    } catch {
      return false; // it has ended
    }
  });
}

test("a simulator that is killed takes all of it along, and the next one cleans up", needsRoot, async (t) => {
  let next: Awaited<ReturnType<typeof realHosts>> | undefined;
  const folder = temporaryFolder(t, () => next?.close());
  const home = join(folder, "hosts");
  const key = makeKey(folder, "key");
  const mark = `mark-${randomUUID()}`;
  const onstart = `(exec -a ${mark} sleep 100000) & trap '' TERM HUP INT; exec -a ${mark} sleep 100000`;
  const spec = specOf({ id: 5, authorizedKeys: [key.publicKey], onstart });
  const words = ["--input-type=module", "--eval", simulator, JSON.stringify({ home, spec })];
  const child = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  const [line] = await once(createInterface(child.stdout), "line");
  const { directPort } = JSON.parse(line);
  await on({ directPort } as Parameters<typeof on>[0], key, `tmux new-session -d 'exec -a ${mark} sleep 100000'`);
  await on(
    { directPort } as Parameters<typeof on>[0],
    key,
    // Not the shell that looks for it.
    `until [ "$(pgrep -fc '^${mark} ')" = 3 ]; do sleep 0.05; done`,
  );
  assert.notDeepEqual(belonging(home, mark), []);

  child.kill("SIGKILL");
  await once(child, "exit");
  while (belonging(home, mark).length > 0) await sleep(20);
  assert.equal(readFileSync("/proc/self/mountinfo", "utf8").includes(folder), false);
  assert.deepEqual(readdirSync(home).sort(), ["5", "base"]);

  next = await realHosts({ home });
  assert.deepEqual(readdirSync(home), ["base"]);
  const again = await next.create(spec);
  await again.start();
  await open(again);
  assert.equal(await on(again, key, "ls /workspace"), "");
});
