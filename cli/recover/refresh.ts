import { printable } from "../../components/lib/text.ts";
import { runProgram } from "../../components/programs/program.ts";
import { errorsIn } from "../../components/pulumi/events.ts";
import { exitCode, Failure } from "../command/failure.ts";
import { showing } from "../command/progress.ts";
import { cancel, confirmEnded } from "./free-lock.ts";
import type { Patient } from "./patient.ts";

/** Pulumi's message about a lock, from a backend of files and from its own service. */
const LOCKED = /currently locked by|Another update is currently in progress/;

/** Brings the state up to date and removes interrupted creations from it: they are settled. */
export async function refresh(patient: Patient): Promise<void> {
  const problem = await refreshOnce(patient);
  if (problem === undefined) return;
  if (!LOCKED.test(problem)) throw failed(patient, problem);
  await confirmEnded(patient, problem, "look there");
  await cancel(patient);
  patient.terminal.note(`freed the lock of stack ${patient.stack}`);
  const again = await refreshOnce(patient);
  if (again !== undefined) throw failed(patient, again);
}

function failed({ stack }: Patient, problem: string): Failure {
  return new Failure(exitCode.failed, `the state of stack ${stack} cannot be refreshed; run this again (${problem})`);
}

/** Returns undefined on success, else Pulumi's own message. */
async function refreshOnce({ cwd, stack, terminal, progress }: Patient): Promise<string | undefined> {
  // ^C in the terminal also reaches Pulumi, which then ends cleanly.
  const wait = () => progress("waiting for Pulumi to end");
  process.on("SIGINT", wait);
  try {
    const action = () => runRefresh(stack, cwd, terminal.env);
    return await showing(progress, `refreshing the state of stack ${stack}`, action);
  } finally {
    process.off("SIGINT", wait);
  }
}

const WORDS = [
  "refresh",
  "--yes",
  "--skip-preview",
  "--clear-pending-creates",
  "--non-interactive",
  "--json",
  "--stack",
];

async function runRefresh(stack: string, cwd: string, callers: NodeJS.ProcessEnv): Promise<string | undefined> {
  const env = { ...callers, PULUMI_SKIP_UPDATE_CHECK: "true" };
  const { code, stdout, stderr, unstarted } = await runProgram(["pulumi", ...WORDS, stack], { cwd, env });
  if (code === 0) return undefined;
  // An error before Pulumi begins, such as a lock, is not reported as an event.
  const errors = [...errorsIn(stdout.toString("utf8").split("\n")), stderr.trim().replace(/^error: /, "")];
  const said = errors.filter((text) => text !== "").map((text) => printable(text, 1000));
  return said.join("; ") || unstarted?.message || `pulumi refresh ended with exit code ${code}`;
}
