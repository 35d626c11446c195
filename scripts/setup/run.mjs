import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

const running = new Set();

/**
 * Runs a command to its end and keeps what it prints. With a label, the time that has passed is shown.
 * The code is null when it could not be started, was ended by a signal, or ran out of time.
 */
export function run(file, args, { cwd, env = process.env, timeoutSeconds, label } = {}) {
  const progress = label ? showProgress(label) : () => {};
  return new Promise((resolve) => {
    const child = spawn(file, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
    running.add(child);
    let stdout = "";
    let output = "";
    child.stdout.on("data", (part) => {
      stdout += part;
      output += part;
    });
    child.stderr.on("data", (part) => {
      output += part;
    });
    const timer = timeoutSeconds && setTimeout(() => child.kill("SIGKILL"), timeoutSeconds * 1000);
    const end = (code, more = "") => {
      clearTimeout(timer);
      running.delete(child);
      progress();
      resolve({ code, stdout, output: output + more });
    };
    child.once("error", (error) => end(null, error.message));
    child.once("close", (code) => end(code));
  });
}

/** Ends what run() has started; for a set-up that is interrupted. */
export function endAll() {
  for (const child of running) child.kill("SIGTERM");
}

/** Full path of a program on PATH; undefined when there is none. */
export function which(name, path = process.env.PATH || "") {
  return allOnPath(name, path)[0];
}

export function allOnPath(name, path = process.env.PATH || "") {
  const files = path.split(delimiter).filter((folder) => folder !== "");
  return files.map((folder) => join(folder, name)).filter(isExecutable);
}

export function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The last lines of an output, indented, for an error. */
export function tail(output, lines = 15) {
  const last = output.trim().split("\n").slice(-lines);
  return last.map((line) => `    ${line}`).join("\n");
}

function showProgress(label) {
  const begin = Date.now();
  const seconds = () => Math.round((Date.now() - begin) / 1000);
  const live = process.stdout.isTTY;
  const show = () => process.stdout.write(live ? `\r  ${label}, ${seconds()} s ` : `  ${label}, ${seconds()} s\n`);
  const timer = setInterval(show, live ? 1000 : 15_000);
  return () => {
    clearInterval(timer);
    if (live && seconds() > 0) process.stdout.write("\r\u001b[K");
  };
}
