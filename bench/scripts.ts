import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { shellLine } from "../components/ssh/ssh-key.ts";
import { projectDir } from "../scripts/lib/workspace.ts";
import type { Ground } from "./ground.ts";
import { type Measured, measure, measureWork } from "./meter.ts";

/** A launch by the shell workflow. */
export interface ScriptedLaunch extends Measured {
  /** Its machine; undefined = it got none. */
  readonly id: number | undefined;
  readonly port: string | undefined;
}

/** bench/incumbent.sh to its end, or until `patience` seconds are over; then it is killed as a closed terminal does. */
export async function launchByScript(ground: Ground, patience = 600): Promise<ScriptedLaunch> {
  const { workspace, simulator } = ground;
  const privateKey = privateKeyOf(ground);
  const env = {
    API_KEY: simulator.apiKey,
    REPO: `${simulator.url}/git/tiny-train`,
    BRANCH: "jan",
    PRIVATE_KEY: privateKey,
    PUBLIC_KEY: readFileSync(`${privateKey}.pub`, "utf8").trim(),
  };
  const script = join(projectDir, "bench", "incumbent.sh");
  const launch = await measure(workspace, ["timeout", "-s", "HUP", String(patience), "bash", script], { env });
  const said = launch.result.stdout;
  const id = Number(/ create (\d+)$/m.exec(said)?.[1]);
  return { ...launch, id: Number.isNaN(id) ? undefined : id, port: / ssh (\d+)$/m.exec(said)?.[1] };
}

/** As one does without us: rsync, then `vastai destroy`. It does not verify, and does not wait until the machine is gone. */
export async function destroyByScript(ground: Ground, { id, port }: ScriptedLaunch): Promise<Measured> {
  const { workspace, simulator } = ground;
  const home = join(workspace.root, "scripts-checkpoints");
  mkdirSync(home, { recursive: true });
  const login = shellLine(loginWords(privateKeyOf(ground), String(port)));
  const fetch = shellLine(["rsync", "-a", "-e", login, "root@127.0.0.1:/workspace/checkpoints/", `${home}/`]);
  const end = shellLine(["vastai", "--api-key", simulator.apiKey, "destroy", "instance", String(id), "-y"]);
  return measureWork(workspace, ["sh", "-c", `${fetch} && ${end}`]);
}

/** The key that a launch of ours has made. */
export function privateKeyOf({ workspace }: Ground): string {
  return join(workspace.home, "ssh", "id_ed25519");
}

/** ssh to a machine whose host key nobody knows, as the scripts do it. */
export function loginWords(privateKey: string, port: string): string[] {
  const options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR", "ProxyCommand=none"];
  return ["ssh", "-F", "none", "-i", privateKey, "-p", port, ...options.flatMap((option) => ["-o", option])];
}
