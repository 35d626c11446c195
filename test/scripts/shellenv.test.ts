import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import {
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { openWorkspace, projectDir } from "../../scripts/lib/workspace.ts";

const names = ["PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE_FILE", "PULUMI_SKIP_UPDATE_CHECK"];

/** A user with an own state directory, and what a shell has after `eval` of the printed lines, in a folder of their own. */
function user(t: TestContext) {
  const root = mkdtempSync(join(tmpdir(), "vast user's "));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const workspace = openWorkspace({ parent: root, env: { PULUMI_SKIP_UPDATE_CHECK: undefined } });
  cpSync(join(projectDir, "scripts"), join(workspace.dir, "scripts"), { recursive: true });
  const pulumiHome = join(root, "pulumi");
  mkdirSync(pulumiHome);
  const script = join(workspace.dir, "scripts", "shellenv.mjs");
  const shell = async (env: NodeJS.ProcessEnv = {}) => {
    const printed = names.map((name) => `echo "\${${name}-}"`).join("; ");
    const { PULUMI_BACKEND_URL: _url, PULUMI_CONFIG_PASSPHRASE: _phrase, ...base } = workspace.env;
    const all = { ...base, PULUMI_HOME: pulumiHome, ...env };
    const lines = await sh(`eval "$(node '${script.replaceAll("'", "'\\''")}')"; ${printed}`, all);
    return Object.fromEntries(names.map((name, place) => [name, lines[place]]));
  };
  const run = (words: string, env: NodeJS.ProcessEnv, clone = workspace.dir) => {
    const { PULUMI_BACKEND_URL: _url, PULUMI_CONFIG_PASSPHRASE: _phrase, ...base } = workspace.env;
    const its = join(clone, "scripts", "shellenv.mjs");
    return sh(`eval "$(node '${its.replaceAll("'", "'\\''")}')"; ${words}`, {
      ...base,
      PULUMI_HOME: pulumiHome,
      ...env,
    });
  };
  return { shell, run, root, dir: workspace.dir, home: workspace.home, pulumiHome };
}

function sh(script: string, env: NodeJS.ProcessEnv): Promise<string[]> {
  return new Promise((resolve, reject) => {
    execFile("sh", ["-c", script], { env }, (error, stdout) => (error ? reject(error) : resolve(stdout.split("\n"))));
  });
}

test("a proxy that leads nowhere does not come between Pulumi's parts", async (t) => {
  const { run, root } = user(t);
  const project = join(root, "project");
  mkdirSync(project);
  symlinkSync(join(projectDir, "node_modules"), join(project, "node_modules"));
  writeFileSync(
    join(project, "Pulumi.yaml"),
    "name: p\nruntime:\n  name: nodejs\n  options:\n    typescript: false\nmain: ./it.mjs\n",
  );
  writeFileSync(
    join(project, "it.mjs"),
    'import * as p from "@pulumi/pulumi";\nnew p.ComponentResource("a:b:c", "it");\n',
  );
  const proxy = {
    https_proxy: "http://127.0.0.1:9",
    http_proxy: "http://127.0.0.1:9",
    grpc_proxy: "http://127.0.0.1:9",
  };
  const preview = `cd '${project.replaceAll("'", "'\\''")}' && pulumi stack init -s local >/dev/null && pulumi preview -s local 2>&1; echo "$no_grpc_proxy"`;
  const lines = await run(preview, { ...proxy, no_proxy: "localhost, a.example" });
  assert.match(lines.join("\n"), /2 to create/);
  assert.ok(lines.includes("localhost,a.example,127.0.0.1"), lines.join("\n"));
});

test("a user without a login gets a backend and a passphrase that are private and stay", async (t) => {
  const { shell, home } = user(t);
  const [one, two] = await Promise.all([shell(), shell()]);
  const passphrase = join(home, "passphrase");
  assert.deepEqual(one, {
    PULUMI_BACKEND_URL: `file://${join(home, "backend")}?metadata=skip`,
    PULUMI_CONFIG_PASSPHRASE_FILE: passphrase,
    PULUMI_SKIP_UPDATE_CHECK: "true",
  });
  assert.deepEqual(two, one);
  const secret = readFileSync(passphrase, "utf8");
  assert.equal(Buffer.from(secret, "base64").length, 32);
  assert.equal(statSync(passphrase).mode & 0o777, 0o600);
  assert.equal(statSync(home).mode & 0o777, 0o700);
  assert.equal(statSync(join(home, "backend")).mode & 0o777, 0o700);
  assert.notDeepEqual(globSync(join(home, "backend", ".pulumi", "stacks", "*", "*.json")), []);
  assert.deepEqual(
    globSync(join(home, "backend", ".pulumi", "**", "*.attrs")),
    [],
    "what a kill could leave half written",
  );
  assert.deepEqual(await shell(one), one, "a second time in the same shell");
  const before = { ...one, PULUMI_BACKEND_URL: `file://${join(home, "backend")}` };
  assert.deepEqual(await shell(before), one, "in a shell of an earlier version");
  assert.equal(readFileSync(passphrase, "utf8"), secret);
});

test("a clone, a second one, and one that was moved have the usual stack selected", async (t) => {
  const { root, dir, run, pulumiHome } = user(t);
  const selected = async (clone: string) => {
    const [name] = await run(`cd '${clone.replaceAll("'", "'\\''")}' && pulumi stack --show-name`, {}, clone);
    return name;
  };
  assert.equal(await selected(dir), "dev");
  const second = join(root, "second");
  cpSync(dir, second, { recursive: true, verbatimSymlinks: true });
  assert.equal(await selected(second), "dev");
  await run(`cd '${second.replaceAll("'", "'\\''")}' && pulumi stack select local`, {}, second);
  assert.equal(await selected(second), "local", "what is selected stays");
  const notes = globSync(join(pulumiHome, "workspaces", "*.json"));
  const note = notes.find((file) => readFileSync(file, "utf8").includes("/local")) ?? "";
  writeFileSync(note, readFileSync(note, "utf8").replaceAll("?metadata=skip", ""));
  assert.equal(
    await selected(second),
    "local",
    "also what was selected by an earlier version, whose URL had no options",
  );
});

test("a passphrase that the user has is kept", async (t) => {
  const { shell } = user(t);
  assert.equal((await shell({ PULUMI_CONFIG_PASSPHRASE: "mine" })).PULUMI_CONFIG_PASSPHRASE_FILE, "");
  const file = "/somewhere/passphrase";
  assert.equal(
    (await shell({ PULUMI_CONFIG_PASSPHRASE: "mine", PULUMI_CONFIG_PASSPHRASE_FILE: file }))
      .PULUMI_CONFIG_PASSPHRASE_FILE,
    file,
  );
});

test("a login that exists is left alone", async (t) => {
  const { shell, pulumiHome } = user(t);
  assert.equal((await shell({ PULUMI_BACKEND_URL: "s3://mine" })).PULUMI_BACKEND_URL, "s3://mine");
  assert.equal((await shell({ PULUMI_ACCESS_TOKEN: "pul-mine" })).PULUMI_BACKEND_URL, "");
  writeFileSync(join(pulumiHome, "credentials.json"), JSON.stringify({ current: "https://pulumi.example.org" }));
  assert.deepEqual(await shell(), {
    PULUMI_BACKEND_URL: "",
    PULUMI_CONFIG_PASSPHRASE_FILE: "",
    PULUMI_SKIP_UPDATE_CHECK: "true",
  });
});
