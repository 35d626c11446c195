import { mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname } from "node:path";

const heartbeatMs = 5_000;
const staleMs = 120_000;

/** Runs the work while no other process, on this machine or on one that shares the folder, holds the same lock. */
export async function withLock(file, busy, work) {
  mkdirSync(dirname(file), { recursive: true });
  for (let told = false; !take(file); told = true) {
    if (!told) console.log(busy);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  const release = () => rmSync(file, { force: true });
  process.once("exit", release);
  const heartbeat = setInterval(() => touch(file), heartbeatMs);
  try {
    return await work();
  } finally {
    clearInterval(heartbeat);
    process.removeListener("exit", release);
    release();
  }
}

function take(file) {
  const owner = `${hostname()} ${process.pid}\n`;
  if (createOnce(file, owner)) return true;
  const holder = readIfThere(file);
  if (holder === undefined || !isStale(file, holder)) return false;
  // Moved away first: when two processes find it stale, only one can move it. A fresh lock that was moved is put back.
  const aside = `${file}.${process.pid}`;
  try {
    renameSync(file, aside);
  } catch {
    return false;
  }
  if (readIfThere(aside) !== holder) {
    renameSync(aside, file);
    return false;
  }
  rmSync(aside, { force: true });
  return createOnce(file, owner);
}

function isStale(file, holder) {
  const [host, pid] = holder.trim().split(" ");
  if (host === hostname() && !isAlive(Number(pid))) return true;
  try {
    return Date.now() - statSync(file).mtimeMs > staleMs;
  } catch {
    return false;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

function createOnce(file, text) {
  try {
    writeFileSync(file, text, { flag: "wx" });
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  }
}

function readIfThere(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

function touch(file) {
  try {
    utimesSync(file, new Date(), new Date());
  } catch {
    // the lock is gone: another process took this one for dead
  }
}
