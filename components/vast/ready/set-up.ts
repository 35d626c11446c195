import { runProgram } from "../../programs/program.ts";
import type { Endpoint } from "../../ssh/endpoint.ts";
import { SHOW_IN } from "../../ssh/probe.ts";
import { sshTo } from "../../ssh/run-script.ts";
import type { SshKey } from "../../ssh/ssh-key.ts";
import type { GpuReport, SetUp } from "./means.ts";
import { SET_UP_MARK } from "./onstart.ts";

/**
 * Runs on the machine: waits for the mark, so that one login sees it at once, and then asks nvidia-smi, which a machine
 * without Nvidia's GPUs lacks. Its output comes last; greetings of the session come before.
 */
const WAIT = `${SHOW_IN}; i=0; until [ -e ${SET_UP_MARK} ]; do i=$((i + 1)); [ $i -gt 300 ] && exit 1; sleep 0.1; done
${SHOW_IN}
command -v curl wget python3 >/dev/null 2>&1 || printf '\\nvast-training-fuse none\\n'
command -v nvidia-smi >/dev/null 2>&1 || exit 0
said=$(timeout 60 nvidia-smi -L 2>&1)
[ -n "$said" ] || said="it does not answer"
printf '\\nvast-training-gpus %s\\n%s\\n' "$(printf '%s\\n' "$said" | grep -c '^GPU [0-9]')" "$said"`;

const NO_FUSE = /^vast-training-fuse none$/m;
const REPORT = /^vast-training-gpus (\d+)\n([\s\S]*)/m;
const MOST_OUTPUT = 1024 * 1024;

/**
 * Logs in and waits until onstart has run, half a minute at most; false = not yet, or no login worked. Then says what
 * nvidia-smi lists, and whether the machine can end itself.
 */
export async function waitForSetUp(
  endpoint: Endpoint,
  access: { readonly instanceId: number; readonly key: Pick<SshKey, "privateKeyFile" | "knownHostsFile"> },
  signal: AbortSignal,
): Promise<false | SetUp> {
  const words = [...sshTo({ ...access, endpoint }), "-n", "-T", `root@${endpoint.host}`, WAIT];
  const { code, stdout } = await runProgram(words, { signal, mostOutput: MOST_OUTPUT });
  return code === 0 && setUpIn(stdout.toString("utf8"));
}

/** Reads what the machine said after its mark. */
export function setUpIn(output: string): SetUp {
  return { gpus: reportIn(output) ?? null, hasFuse: !NO_FUSE.test(output) };
}

/** undefined = it says nothing of GPUs. */
export function reportIn(output: string): GpuReport | undefined {
  const [, gpus, said = ""] = REPORT.exec(output) ?? [];
  return gpus === undefined ? undefined : { gpus: Number(gpus), said: said.trim() };
}
