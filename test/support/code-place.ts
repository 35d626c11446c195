import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { openStateDir } from "../../components/lib/state-dir.ts";
import { type CodeStep, codeScript, fetchScript } from "../../components/remote/scripts.ts";
import { pinHostKey } from "../../components/ssh/known-hosts.ts";
import type { Login } from "../../components/ssh/run-script.ts";
import { ownSshKey } from "../../components/ssh/ssh-key.ts";
import type { CodeState } from "../../components/steps/code.provider.ts";
import { Repositories } from "../../simulator/stores/git.ts";
import { type Box, GUARD, openBox, TRAINING } from "../components/remote/box.ts";
import { sshd } from "./sshd.ts";

/** A rented machine that is a few folders behind a real sshd, and a user with a state directory of his own. */
export interface Place {
  readonly box: Box;
  readonly machine: Login;
  /** How often somebody has logged in. */
  logins(): number;
  /** What the provider gets for these commits. */
  inputs(step: Partial<CodeStep> & Pick<CodeStep, "repo" | "commit" | "way">): CodeState;
}

const INSTANCE = 7;

/** This process becomes the user: its environment names the state directory. */
export async function openPlace(t: TestContext): Promise<Place> {
  const box = openBox(t);
  process.env.VAST_TRAINING_HOME = join(box.root, "state");
  const key = ownSshKey(openStateDir(), "");
  const log = join(box.root, "logins");
  writeFileSync(log, "");
  // HOME is the box's, as on a machine of its own.
  const command = `command="echo >>${log}; HOME=${box.home} TMUX_TMPDIR=${box.root}/tmux exec bash -c \\"$SSH_ORIGINAL_COMMAND\\""`;
  const { port, hostKey } = await sshd(t, `${command} ${key.publicKey}`);
  pinHostKey(key.knownHostsFile, INSTANCE, hostKey);
  return {
    box,
    machine: { instanceId: INSTANCE, key, endpoint: { host: "127.0.0.1", port } },
    logins: () => Number(execFileSync("wc", ["-l", log], { encoding: "utf8" }).split(" ")[0]),
    inputs: (more) => {
      const step: CodeStep = { ...GUARD, ...TRAINING, workspace: box.workspace, branch: "jan", ...more };
      const { repo, commit, way = "none", extraRepos = [] } = step;
      if (way === "none") throw new Error("that needs no resource of its own");
      const extras = extraRepos.map((extra) => ({ url: extra.url, commit: extra.commit, ref: "HEAD" }));
      return {
        apiUrl: "http://127.0.0.1:9",
        apiKeyFile: "",
        instanceId: String(INSTANCE),
        sshHost: "127.0.0.1",
        sshPort: port,
        hostKey,
        startedAt: "2026",
        sshKeyFile: "",
        way,
        wanted: [{ url: repo, commit, ref: "refs/heads/jan" }, ...extras],
        sourceDir: "",
        envFile: join(box.root, "env"),
        netrcFile: join(box.root, "netrc"),
        script: codeScript(step),
        fetchScript: fetchScript(step),
        __urn: "urn",
      };
    },
  };
}

/** A git server over ssh that lets in a key of a real ssh agent alone; this process becomes its user. */
export async function gitOverSsh(
  t: TestContext,
  root: string,
): Promise<{ url(bare: string): string; agentPid: number; privateKey: string }> {
  const folder = mkdtempSync(join(tmpdir(), "git-user-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "id");
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", file]);
  const publicKey = execFileSync("ssh-keygen", ["-y", "-f", file], { encoding: "utf8" }).trim();
  const { port, hostKey } = await sshd(t, `restrict,command="git-shell -c \\"$SSH_ORIGINAL_COMMAND\\"" ${publicKey}`);
  const socket = join(folder, "agent");
  const said = execFileSync("ssh-agent", ["-a", socket], { encoding: "utf8" });
  const agentPid = Number(/SSH_AGENT_PID=(\d+)/.exec(said)?.[1]);
  t.after(() => process.kill(agentPid));
  process.env.SSH_AUTH_SOCK = socket;
  execFileSync("ssh-add", ["-q", file]);
  const privateKey = readFileSync(file, "utf8");
  rmSync(file); // only the agent has it now
  writeFileSync(join(folder, "known_hosts"), `[127.0.0.1]:${port} ${hostKey}\n`);
  const config = `Host gitserver\n HostName 127.0.0.1\n Port ${port}\n User root\nHost *\n UserKnownHostsFile ${folder}/known_hosts\n`;
  writeFileSync(join(folder, "config"), config);
  process.env.GIT_SSH_COMMAND = `ssh -F ${folder}/config`;
  return { agentPid, privateKey, url: (bare) => `ssh://gitserver${join(root, bare)}` };
}

/** A git server over HTTP that shows its repositories only to whoever has the token. */
export async function gitOverHttp(t: TestContext, root: string, token: string): Promise<(bare: string) => string> {
  const repositories = new Repositories(root, async () => {});
  const server = createServer((request, response) => {
    if (passwordOf(request) !== token) {
      request.resume();
      response.writeHead(401, { "www-authenticate": 'Basic realm="git"' });
      response.end();
      return;
    }
    void repositories.serve(request, response, new URL(request.url ?? "", "http://127.0.0.1"));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return (bare) => `http://127.0.0.1:${port}/git/${bare}`;
}

function passwordOf({ headers }: IncomingMessage): string {
  const [, encoded = ""] = /^Basic (.+)$/.exec(headers.authorization ?? "") ?? [];
  return Buffer.from(encoded, "base64").toString().split(":").slice(1).join(":");
}

/** A folder for bare repositories. */
export function serverRoot(box: Box): string {
  const root = join(box.root, "server");
  mkdirSync(root, { recursive: true });
  return root;
}
