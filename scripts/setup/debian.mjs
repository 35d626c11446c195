import { chmodSync, existsSync, rmSync, writeFileSync } from "node:fs";
import { run, tail, which } from "./run.mjs";
import { Stop } from "./stop.mjs";

const wanted = [
  "openssh-server",
  "openssh-client",
  "tmux",
  "rsync",
  "git",
  "python3",
  "python3-pip",
  "python3-venv",
  "procps",
  "util-linux",
];

/** The programs of these packages, to look for on a system without apt. */
const programs = ["sshd", "ssh", "tmux", "rsync", "git", "python3", "pgrep", "unshare"];

export const debianPackages = {
  name: "Debian packages",
  why: `the simulator's machines are made of real programs (${wanted.join(", ")}); no service is started`,
  where: "the system",
  size: "up to 200 MB",
  ready: async () => (await missing()).length === 0,
  run: async () => install(await missing()),
};

async function missing() {
  if (!which("dpkg-query")) {
    const path = `${process.env.PATH}:/usr/sbin:/sbin`;
    return programs.filter((name) => !which(name, path));
  }
  // biome-ignore lint/suspicious/noTemplateCurlyInString: these are placeholders of dpkg-query
  const { stdout } = await run("dpkg-query", ["-W", "-f=${db:Status-Abbrev} ${Package}\\n", ...wanted]);
  const installed = stdout.split("\n").filter((line) => line.startsWith("ii"));
  const names = installed.map((line) => line.trim().split(" ").at(-1));
  return wanted.filter((name) => !names.includes(name));
}

async function install(names) {
  if (!which("apt-get")) {
    throw new Stop(
      `These programs are missing, and there is no apt-get: ${names.join(", ")}. By hand: install them, without starting their services.`,
    );
  }
  await installPackages(names);
  if (names.includes("openssh-server")) await disableServices("ssh", ["ssh.service", "ssh.socket"]);
}

/** Installs without starting any service. Throws a Stop that says what to do by hand. */
export async function installPackages(names) {
  console.log(`  ${names.join(", ")}`);
  const release = await holdServices(names);
  try {
    const words = ["install", "--yes", "--no-install-recommends", ...names];
    let result = await aptGet(words, "apt-get install");
    if (result.code !== 0) {
      await aptGet(["update"], "apt-get update");
      result = await aptGet(words, "apt-get install");
    }
    if (result.code !== 0) {
      throw new Stop(
        `apt-get failed:\n${tail(result.output)}\n  By hand: apt-get ${words.join(" ")} (and stop the services that it starts).`,
      );
    }
  } finally {
    release();
  }
}

function aptGet(words, label) {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  return run("apt-get", ["-q", ...words], { env, label });
}

const policy = "/usr/sbin/policy-rc.d";

/**
 * Debian runs this file before it starts a service. Ours says no while this process lives; if a killed set-up has left
 * it behind, it says yes and removes itself. A file that is there already must say no.
 */
async function holdServices(names) {
  if (existsSync(policy)) {
    const { code } = await run(policy, ["ssh", "start"]);
    if (code === 101) return () => {};
    throw new Stop(
      `${policy} lets services start. By hand: install ${names.join(" ")} with apt-get, and stop their services.`,
    );
  }
  const text = `#!/bin/sh\n# made by vast-training's set-up\nkill -0 ${process.pid} 2>/dev/null && exit 101\nrm -f "$0"\nexit 0\n`;
  writeFileSync(policy, text, { flag: "wx" });
  chmodSync(policy, 0o755);
  const release = () => rmSync(policy, { force: true });
  process.once("exit", release);
  return () => {
    process.removeListener("exit", release);
    release();
  };
}

/** Keeps freshly installed services from starting at the next boot. */
export async function disableServices(script, units) {
  if (which("systemctl")) await run("systemctl", ["disable", ...units]);
  else if (which("update-rc.d")) await run("update-rc.d", [script, "disable"]);
}
