import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import { type Docker, openDocker } from "./docker.ts";
import { exampleRepositoryOf, openProject, type Project } from "./project.ts";

/** The user's token; no engine, state, log or image may hold it. */
export const TOKEN = "canary-of-the-registry";

/** A project whose image is built on an engine of the test's own, and lies in a registry of the test's own. */
export interface ImageProject extends Project {
  readonly docker: Docker;
  /** Without a tag. */
  readonly image: string;
  /** Words for pulumi that say how it is built. */
  readonly config: readonly string[];
  /** What the env file holds from now on. */
  setToken(token: string): void;
  /** Tags that the registry has. */
  tags(): Promise<string[]>;
}

/** @param where the engine is: here, or on the virtual machines that can be rented */
export async function openImageProject(t: TestContext, where: "local" | "remote" = "local"): Promise<ImageProject> {
  const docker = await openDocker(t, TOKEN);
  await docker.importBase("sys:1", systemBase(), environment(docker));
  const project =
    where === "local"
      ? await openProject(t, { DOCKER_HOST: docker.host })
      : await openProject(t, { DOCKER_HOST: "unix:///not/there.sock" }, ["--docker", new URL(docker.host).pathname]);
  const { address, login } = docker.registry;
  const image = `${address}/${login.username}/deps`;
  const setToken = (token: string) => writeFileSync(join(project.root, "env"), `REGISTRY_TOKEN=${token}\n`);
  setToken(TOKEN);
  await dependOnLittle(project);
  const authorization = `Basic ${Buffer.from(`${login.username}:${login.password}`).toString("base64")}`;
  return {
    ...project,
    docker,
    image,
    config: ["-c", `image=${image}`, "-c", `imageBuild=${where}`, "-c", "imageBase=sys:1"],
    setToken,
    tags: async () => {
      const place = `http://${address}/v2/${login.username}/deps/tags/list`;
      const answer = await fetch(place, { headers: { authorization } });
      const { tags } = (await answer.json()) as { tags?: string[] };
      return (tags ?? []).toSorted();
    },
  };
}

/** Each of a build's layers is packed, pushed and pulled, and what is tested is none of the example's 60 MB. */
async function dependOnLittle(project: Project): Promise<void> {
  const folder = join(project.root, "little");
  mkdirSync(folder);
  const pyproject =
    '[project]\nname = "little"\nversion = "1"\nrequires-python = ">=3.10"\ndependencies = ["idna==3.10"]\n';
  writeFileSync(join(folder, "pyproject.toml"), `${pyproject}[tool.uv]\npackage = false\n`);
  await run("uv", ["lock", "--project", folder]);
  for (const name of ["pyproject.toml", "uv.lock"]) {
    const text = readFileSync(join(folder, name), "utf8");
    for (const branch of ["jan", "main"]) await pushFile(project, branch, name, () => text);
  }
}

/** What a Dockerfile of ours expects of a base, from this machine. */
function systemBase() {
  const [python = ""] = readdirSync("/usr/lib").filter((name) => /^python3\.\d+$/.test(name));
  // What programs of other makers load without naming it to ldd here.
  const libraries = [
    "librt.so.1",
    "libdl.so.2",
    "libpthread.so.0",
    "libutil.so.1",
    "libm.so.6",
    "libgcc_s.so.1",
    "libstdc++.so.6",
  ];
  const paths = [
    ...libraries.map((name) => `/usr/lib/x86_64-linux-gnu/${name}`),
    ...readdirSync(`/usr/lib/${python}`)
      // What only compilers need is half of it.
      .filter((name) => !name.startsWith("config-"))
      .map((name) => `/usr/lib/${python}/${name}`),
    "/usr/lib/python3/dist-packages/pip",
    "/etc/ssl/certs",
  ];
  return {
    programs: "python3 git /usr/lib/git-core/git-remote-http tmux rsync sshd tar mktemp uname sed".split(" "),
    paths: [...paths, "/usr/share/ca-certificates", "/usr/local/share/ca-certificates"].filter((path) =>
      existsSync(path),
    ),
  };
}

/** The way out of a build, which the engine itself does not have. */
function environment({ proxy }: Docker): string[] {
  const certificates = "/etc/ssl/certs/ca-certificates.crt";
  const files = ["SSL_CERT_FILE", "PIP_CERT", "GIT_SSL_CAINFO"].map((name) => `ENV ${name}=${certificates}`);
  return [
    ...files,
    "ENV UV_SYSTEM_CERTS=1",
    `ENV HTTPS_PROXY=${proxy}`,
    `ENV http_proxy=${proxy}`,
    "ENV PATH=/usr/local/bin:/usr/bin:/bin",
  ];
}

const run = promisify(execFile);

/** Commits another text of a file to a branch of the example; answers with the commit. */
export async function pushFile(project: Project, branch: string, name: string, change: (text: string) => string) {
  const bare = exampleRepositoryOf(project);
  const git = async (args: string[], input?: string, env = {}) => {
    const child = run("git", ["-C", bare, ...args], { env: { ...process.env, ...env } });
    child.child.stdin?.end(input);
    return (await child).stdout;
  };
  const index = { GIT_INDEX_FILE: join(project.root, "index-of-push") };
  const text = await git(["show", `${branch}:${name}`]).catch(() => "");
  const blob = (await git(["hash-object", "-w", "--stdin"], change(text))).trim();
  await git(["read-tree", branch], undefined, index);
  await git(["update-index", "--add", "--cacheinfo", `100644,${blob},${name}`], undefined, index);
  const tree = (await git(["write-tree"], undefined, index)).trim();
  const who = ["-c", "user.name=colleague", "-c", "user.email=colleague@example.org"];
  const commit = (await git([...who, "commit-tree", tree, "-p", branch, "-m", `change ${name}`])).trim();
  await git(["update-ref", `refs/heads/${branch}`, commit]);
  assert.match(commit, /^[0-9a-f]{40}$/);
  return commit;
}
