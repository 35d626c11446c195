import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { cgroupName } from "./docker/cgroups.ts";

/** A control group of its own, in which the kernel can be told to let nobody start a process. */
export interface ProcessLimit {
  /** Shell text: whoever runs it is in there from then on, with all that it starts. */
  readonly enter: string;
  /** From now on no process can be started in there. */
  shut(): void;
  open(): void;
  /** Whether it is so: a shell that goes in there and tries. */
  isShut(): boolean;
}

const HIERARCHIES = ["/sys/fs/cgroup/pids", "/sys/fs/cgroup"];

/** Where control groups that count processes can be made; else why not, for a test that needs one. */
export const needsProcessLimit = makeAndRemove() ? {} : { skip: "no control group that counts processes can be made" };

function makeAndRemove(): boolean {
  const folder = tryMake();
  if (folder !== undefined) rmdirSync(folder);
  return folder !== undefined;
}

function tryMake(): string | undefined {
  for (const hierarchy of HIERARCHIES) {
    const folder = join(hierarchy, cgroupName());
    try {
      mkdirSync(folder);
    } catch {
      continue; // not there, or not ours
    }
    try {
      readFileSync(join(folder, "pids.max"));
      return folder;
    } catch {
      rmdirSync(folder); // it counts no processes
    }
  }
  return undefined;
}

/** Gone when the test has ended, with whatever still runs in it. */
export function openProcessLimit(t: TestContext): ProcessLimit {
  const folder = tryMake();
  if (folder === undefined) throw new Error("no control group that counts processes can be made");
  const file = (name: string) => join(folder, name);
  t.after(() => {
    for (let left = members(); left.length > 0; left = members()) for (const pid of left) end(pid);
    rmdirSync(folder);
  });
  const members = () => readFileSync(file("cgroup.procs"), "utf8").split("\n").filter(Boolean).map(Number);
  return {
    enter: `echo $$ >${file("cgroup.procs")}`,
    shut: () => writeFileSync(file("pids.max"), "1"),
    open: () => writeFileSync(file("pids.max"), "max"),
    isShut: () => {
      // dash gives up at once, where bash tries for a quarter of a minute
      const tries = `echo $$ >${file("cgroup.procs")}; /bin/true; :`;
      try {
        execFileSync("dash", ["-c", tries], { stdio: ["ignore", "ignore", "pipe"] });
        return false;
      } catch (error) {
        return /fork/i.test(String((error as { stderr?: Buffer }).stderr));
      }
    },
  };
}

function end(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // it has ended
  }
}
