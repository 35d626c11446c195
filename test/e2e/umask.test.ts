import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { projectDir } from "../../scripts/lib/workspace.ts";
import { notAll } from "../support/all.ts";
import { openProject } from "../support/project.ts";

const isRoot = process.getuid?.() === 0 && process.platform === "linux";

/** What others may write to of all that our commands keep below the state directory; the simulator's machines are none of it. */
function openFiles(home: string): string {
  for (const part of ["ssh/id_ed25519", "git", "sources", "owner", "fingerprint-key", "credential-places.json"])
    assert.ok(existsSync(join(home, part)), `there is ${part}`);
  const words = ["-path", join(home, "simulator"), "-prune", "-o", "!", "-type", "l", "-perm", "/022", "-print"];
  return execFileSync("find", [home, ...words], { encoding: "utf8" });
}

/** What a login node may have: no locale that is installed, no colours, a home and a TMPDIR of odd names, few programs. */
function oddNode(root: string): NodeJS.ProcessEnv {
  const [home, bin] = [join(root, "Heim für mich"), join(root, "bin")];
  for (const folder of [home, bin, join(home, "tmp")]) mkdirSync(folder);
  const isLacking = (name: string) => /^(which(\..*)?|node)$/.test(name);
  for (const name of readdirSync("/usr/bin").filter((one) => !isLacking(one)))
    symlinkSync(join("/usr/bin", name), join(bin, name));
  return {
    HOME: home,
    TMPDIR: join(home, "tmp"),
    PATH: `${join(projectDir, "node_modules", ".bin")}:${bin}`,
    ...{ LANG: "xx_XX.UTF-8", LC_ALL: "xx_XX.UTF-8", TERM: "dumb", NO_COLOR: "1", COLUMNS: "80", SHELL: "/bin/false" },
    ...{ USER: undefined, LOGNAME: undefined, HOSTNAME: "no.such.host.invalid" },
  };
}

test("with umask 000, on an odd login node, nobody else can write to a file or folder of ours", {
  skip: !isRoot || notAll,
}, async (t) => {
  const project = await openProject(t);
  const env = oddNode(project.root);
  const code = join(project.root, "code");
  cpSync(join(projectDir, "examples", "tiny-train"), code, { recursive: true });
  for (const words of [
    ["init", "-q"],
    ["add", "-A"],
  ])
    execFileSync("git", ["-C", code, ...words]);
  const open = async (...words: string[]) => {
    const line = ["umask 000; exec", ...words].join(" ");
    const { code, stdout, stderr } = await project.run("sh", ["-c", line], { env });
    assert.equal(code, 0, `${line}\n${stdout}\n${stderr}`);
  };
  const pulumi = (command: string, ...more: string[]) =>
    open("pulumi", command, "-s local --non-interactive", ...(command === "preview" ? [] : ["--yes"]), ...more);
  await pulumi("preview");
  await pulumi("up", "-c source=rsync", `-c sourceDir=${code}`);
  assert.equal(openFiles(project.home), "");
  await open("vast-run sync -s local");
  await pulumi("destroy");
  assert.equal(openFiles(project.home), "");
});
