import { mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname } from "node:path";

const heartbeatMs = 5_000;
const staleMs = 120_000;
const owner = `${hostname()} ${process.pid}\n`;

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
  if (createOnce(file, owner)) return true;
  if (!isStale(file, readIfThere(file))) return false;
  // Whoever takes a stale lock away holds another one for it: else a second one could take away the fresh lock of the first.
  const taking = `${file}.taking`;
  if (!createOnce(taking, owner)) {
    if (isStale(taking, readIfThere(taking))) rmSync(taking, { force: true });
    return false;
  }
  try {
    if (!isStale(file, readIfThere(file))) return false;
    rmSync(file, { force: true });
    return createOnce(file, owner);
  } finally {
    rmSync(taking, { force: true });
  }
}

/** @param holder what is in it; undefined = it is not there */
function isStale(file, holder) {
  if (holder === undefined) return false;
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
