import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { openProject, type Project } from "../support/project.ts";

const isRoot = process.getuid?.() === 0 && process.platform === "linux";

const canary = (name: string) => `canary-${name}-${randomBytes(8).toString("hex")}`;

/** Samples the command line of every process until stopped. */
function watchCommandLines(): { stop(): string } {
  const seen = new Set<string>();
  const timer = setInterval(() => {
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      try {
        seen.add(readFileSync(`/proc/${pid}/cmdline`, "utf8"));
      } catch {
        // it ended meanwhile
      }
    }
  }, 20);
  return {
    stop: () => {
      clearInterval(timer);
      return [...seen].join("\n");
    },
  };
}

function textBelow(folder: string): string {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile())
    .map((path) => readFileSync(path, "latin1"))
    .join("\n");
}

test("no secret is seen outside the machine's own protected files", { skip: !isRoot }, async (t: TestContext) => {
  const secrets = { HF_TOKEN: canary("hf"), DOCKERHUB_TOKEN: canary("docker"), WANDB: canary("wandb") };
  const project: Project = await openProject(t);
  writeFileSync(
    join(project.root, "env"),
    `HF_TOKEN=${secrets.HF_TOKEN}\nDOCKERHUB_TOKEN=${secrets.DOCKERHUB_TOKEN}\n`,
  );
  writeFileSync(join(project.root, "netrc"), `machine api.wandb.ai login user password ${secrets.WANDB}\n`);
  const config = ["-c", `envFile=${project.root}/env`, "-c", `netrcFile=${project.root}/netrc`];
  // No -v: from 9 on the engine itself logs every value that passes through it, secret or not.
  const watch = watchCommandLines();
  const printed = [await project.works("preview", "--diff", ...config), await project.works("up", "--diff", ...config)];
  assert.match(await project.remote("cat /workspace/.env"), new RegExp(secrets.HF_TOKEN), "the canary did arrive");
  assert.doesNotMatch(await project.remote("cat /workspace/.env"), new RegExp(secrets.DOCKERHUB_TOKEN));
  const onTheBox = await project.remote(
    "stat -c '%a %n' /workspace/.env ~/.netrc; grep -rlI canary- /workspace /root /tmp /etc 2>/dev/null | sort",
  );
  assert.equal(
    onTheBox,
    ["600 /workspace/.env", "600 /root/.netrc", "/root/.netrc", "/workspace/.env"].join("\n"),
    "only the two protected files hold secrets",
  );
  const exported = await project.run("pulumi", ["stack", "export", "-s", "local"]);
  const requests = JSON.stringify(await project.requests());
  printed.push(await project.works("destroy"));
  const commandLines = watch.stop();

  const privateKey = readFileSync(join(project.home, "ssh", "id_ed25519"), "utf8")
    .split("\n")
    .slice(2, 4)
    .join("\n");
  const hidden = { ...secrets, VAST_KEY: project.simulator.apiKey, SSH_KEY: privateKey };
  const places = {
    "the output of commands": printed.join("\n"),
    "the exported state": exported.stdout,
    "the state files": textBelow(join(project.root, "backend")),
    "the API's traffic": requests,
    "command lines": commandLines,
    "the journal": textBelow(join(project.home, "journal")),
    "the project's folder": textBelow(join(project.dir, "checkpoints")),
  };
  for (const [place, text] of Object.entries(places)) {
    for (const [name, value] of Object.entries(hidden)) {
      assert.equal(text.includes(value), false, `${name} is in ${place}`);
    }
  }
});
