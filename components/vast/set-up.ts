import { spawn } from "node:child_process";
import { type SshKey, sshArgs } from "../ssh-key.ts";
import type { Endpoint } from "./endpoint.ts";
import { SET_UP_MARK } from "./onstart.ts";

/** On the machine: a shell that waits for the mark, so that one login sees it at once. */
const WAIT = `i=0; until [ -e ${SET_UP_MARK} ]; do i=$((i + 1)); [ $i -gt 300 ] && exit 1; sleep 0.1; done`;

/** Logs in and waits until onstart has run, half a minute at most; false = not yet, or nobody let us in. */
export function waitForSetUp(
  endpoint: Endpoint,
  access: { readonly instanceId: number; readonly key: Pick<SshKey, "privateKeyFile" | "knownHostsFile"> },
  signal: AbortSignal,
): Promise<boolean> {
  const { instanceId, key } = access;
  const { privateKeyFile, knownHostsFile } = key;
  const options = sshArgs({ privateKeyFile, knownHostsFile, port: endpoint.port, instanceId });
  return new Promise((resolve) => {
    const ssh = spawn("ssh", [...options, "-n", "-T", `root@${endpoint.host}`, WAIT], { stdio: "ignore" });
    const kill = () => ssh.kill("SIGKILL");
    signal.addEventListener("abort", kill);
    if (signal.aborted) kill();
    const end = (done: boolean) => {
      signal.removeEventListener("abort", kill);
      resolve(done);
    };
    ssh.once("error", () => end(false));
    ssh.once("close", (code) => end(code === 0));
  });
}
