import { hostname } from "node:os";
import { exitCode, Failure } from "../command/failure.ts";
import { pulumi } from "../fleet/stack.ts";
import { ageText } from "../fleet/table.ts";
import { locksOf, ownerOf, type StackLock } from "./lock.ts";
import type { Patient } from "./patient.ts";

/** Removes the stack's locks of commands that have ended. Throws Failure when one may still run. */
export async function freeLocks(patient: Patient): Promise<void> {
  const { cwd, project, stack, terminal } = patient;
  const { url } = JSON.parse(await pulumi(["whoami", "--verbose", "--json"], cwd, terminal.env));
  const locks = locksOf({ backend: String(url), cwd, project, stack }, terminal.env) ?? [];
  if (locks.length === 0) return;
  for (const lock of locks) await mayFree(patient, lock);
  await cancel(patient);
  for (const lock of locks) terminal.note(`freed the lock of ${ownerText(lock)}`);
}

async function mayFree(patient: Patient, lock: StackLock): Promise<void> {
  const { stack } = patient;
  const owner = ownerOf(lock);
  if (owner === "ended") return;
  if (owner === "running") {
    throw new Failure(
      exitCode.failed,
      `stack ${stack} is in use, and nothing was changed: ${ownerText(lock)} still works on it. Wait for it, or end it with ^C where it runs (or: kill -INT ${lock.pid}), then run this again`,
    );
  }
  const unseen = `stack ${stack} is locked by ${ownerText(lock)}; whether that still runs cannot be seen from ${hostname()}`;
  await confirmEnded(patient, unseen, `run this on ${lock.host}`);
}

/** Throws Failure unless the user confirms that the command has ended. */
export async function confirmEnded({ terminal, yes }: Patient, unseen: string, otherwise: string): Promise<void> {
  if (yes) return;
  const { interactive, ask } = terminal;
  if (!interactive || ask === undefined) {
    throw new Failure(exitCode.failed, `${unseen}; ${otherwise}, or add --yes when you know that it has ended`);
  }
  const answer = await ask(`${unseen}. Has it ended? [y/N]`);
  if (!/^y(es)?$/i.test(answer.trim())) throw new Failure(exitCode.failed, "nothing was changed");
}

export async function cancel({ cwd, stack, terminal }: Patient): Promise<void> {
  await pulumi(["cancel", "--yes", "--non-interactive", "--stack", stack], cwd, terminal.env);
}

function ownerText({ pid, user, host, since }: StackLock): string {
  const at = new Date(since).toISOString().slice(0, 19).replace("T", " ");
  return `process ${pid} of ${user} on ${host} (since ${at} UTC, ${ageText((Date.now() - since) / 1000)} ago)`;
}
