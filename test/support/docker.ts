import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { type CommandResult, startCommand } from "../../scripts/lib/command.ts";
import { type BaseSpec, writeBase } from "./docker/base.ts";
import { noEngine, startEngine } from "./docker/engine.ts";
import { type Login, type Registry, startRegistry } from "./docker/registry.ts";

export type { Login, Registry };

/** The `skip` of a test that needs openDocker(). */
export const noDocker = noEngine();

/** A Docker engine and a registry of a test's own, both real; no other test sees them. */
export interface Docker {
  /** What DOCKER_HOST says, unix://… */
  readonly host: string;
  /** What HTTPS_PROXY and http_proxy say inside a build that needs this machine's network; the engine itself has no way out. */
  readonly proxy: string;
  readonly registry: Registry & { login: Login };
  /** The docker CLI on this engine, without anything of the user's. */
  run(args: readonly string[], input?: string): Promise<CommandResult>;
  /** The same; it must succeed. Its stdout, trimmed. */
  works(args: readonly string[], input?: string): Promise<string>;
  /** Lets the CLI push and pull: otherwise it has no login. */
  login(): Promise<void>;
  /** Makes an image of this machine's programs, since no registry can be pulled from. */
  importBase(name: string, spec?: BaseSpec, changes?: readonly string[]): Promise<void>;
}

/** Opens both for one test; when it ends, nothing of them is left. */
export async function openDocker(t: TestContext, password = "correct horse"): Promise<Docker> {
  const folder = mkdtempSync(join(tmpdir(), "vd-"));
  const closers: (() => Promise<void> | void)[] = [() => rmSync(folder, { recursive: true, force: true })];
  t.after(async () => {
    for (const close of closers.reverse()) await close();
  });
  const login = { username: "tester", password };
  const registry = await startRegistry(join(folder, "registry"), login);
  closers.push(() => registry.close());
  const engine = await startEngine(join(folder, "e"), [registry.port]);
  closers.push(() => engine.close());

  const settings = join(folder, "cli");
  mkdirSync(settings, { mode: 0o700 });
  const env = { PATH: process.env.PATH, HOME: folder, DOCKER_HOST: engine.host, DOCKER_CONFIG: settings };
  const run: Docker["run"] = (args, input) =>
    startCommand("docker", args, { cwd: folder, env, ...(input === undefined ? {} : { input }) }).result;
  const works: Docker["works"] = async (args, input) => {
    const { command, code, stdout, stderr } = await run(args, input);
    assert.equal(code, 0, `${command}:\n${stdout}${stderr}`);
    return stdout.trim();
  };
  let bases = 0;
  return {
    host: engine.host,
    proxy: engine.proxy,
    registry: { ...registry, login },
    run,
    works,
    login: async () => {
      await works(["login", "--username", login.username, "--password-stdin", registry.address], login.password);
    },
    importBase: async (name, spec = {}, changes = []) => {
      const work = join(folder, `base-${bases++}`);
      mkdirSync(work);
      await works(["import", ...changes.flatMap((change) => ["--change", change]), writeBase(work, spec), name]);
      rmSync(work, { recursive: true });
    },
  };
}
