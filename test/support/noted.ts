import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { main } from "../../cli/main.ts";
import type { News } from "../../components/events/event.ts";
import { Events } from "../../components/events/events.ts";
import { openStateDir } from "../../components/lib/state-dir.ts";
import { type Simulator, startSimulator } from "../../simulator/index.ts";
import { fakeTerminal } from "./fake-terminal.ts";

export const LABEL = "vt-abcdefgh-vast-training-dev-run-12345678";
export const HOUR = 3_600_000;

/** A simulator without machines, a log of events of stack dev, and a Pulumi that prints this export. */
export async function openNoted(t: TestContext, exported: object = {}) {
  const folder = mkdtempSync(join(tmpdir(), "vast-noted-"));
  let opened: Simulator | undefined;
  t.after(async () => {
    await opened?.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const home = join(folder, "home");
  const simulator = await startSimulator({
    home: join(home, "simulator"),
    hosts: "none",
    pace: false,
    timings: { rent: 0, pull: 0 },
  });
  opened = simulator;
  const bin = join(folder, "bin");
  mkdirSync(bin);
  const exports = (deployment: object) => writeFileSync(join(bin, "export.json"), JSON.stringify({ deployment }));
  exports(exported);
  writeFileSync(join(bin, "pulumi"), `#!/bin/sh\n[ "$2" = --show-name ] && exec echo dev\ncat ${bin}/export.json\n`);
  chmodSync(join(bin, "pulumi"), 0o755);
  const env = { PATH: `${bin}:/usr/bin:/bin`, HOME: folder, VAST_TRAINING_HOME: home };
  const log = new Events(openStateDir(env).eventsDir, {
    now: Date.now,
    say: assert.fail,
    program: "test",
    stack: "dev",
  });
  // All from one moment: what is between two of them costs as much on a slow machine.
  const openedAt = Date.now();
  const happened = (hoursAgo: number, news: News) => log.note({ at: Math.round(openedAt - hoursAgo * HOUR), ...news });
  /** One command line, at a terminal of so many columns that is not a person's. */
  const run = async (columns: number, ...words: string[]) => {
    const terminal = fakeTerminal({ env, columns });
    const code = await main(words, terminal);
    return { code, out: terminal.written.join("\n"), note: terminal.noted.join("\n") };
  };
  return { simulator, folder, env, log, openedAt, happened, exports, run };
}

export type Noted = Awaited<ReturnType<typeof openNoted>>;
