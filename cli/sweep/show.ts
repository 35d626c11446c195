import type { Terminal } from "../command/command.ts";
import type { UnseenAccount } from "../fleet/fleet.ts";
import { type Survey, type Surveyed, unheldIn } from "../fleet/survey.ts";
import { advice, ageText, jsonOf, table } from "../fleet/table.ts";

/** Prints the table, and the commands to type. */
export function show(survey: Survey, allOwners: boolean, terminal: Pick<Terminal, "out" | "note">): void {
  const now = Date.now();
  const machines = shown(survey, allOwners);
  const where = survey.unseen.length === 0 ? "" : " in the accounts that could be read";
  if (machines.length === 0) terminal.note(`No machine carries your label${where}`);
  else terminal.out(table(machines, now));
  const unheld = unheldIn(survey);
  if (unheld.length > 0) {
    terminal.note(
      `\nNo stack holds ${unheld.length === 1 ? "one of them" : `${unheld.length} of them`}. To end what it costs:`,
    );
    for (const machine of unheld) terminal.note(`  ${advice(machine)}`);
    terminal.note("Nothing is fetched from a machine that is swept: copy what you need from it first.");
  }
  if (machines.length > 0)
    terminal.note(
      "Cost so far: at most its age times its price today, as a stopped machine pays for its disk alone; traffic comes on top.",
    );
  for (const text of asides(survey, allOwners, now)) terminal.note(text);
}

/** This owner's machines, those that nobody holds first; other owners' only on request. */
function shown({ machines }: Survey, allOwners: boolean): Surveyed[] {
  const order = ["nobody", "intent", "stack", "another owner"];
  const rank = ({ holder }: Surveyed) => order.indexOf(holder.by);
  const some = machines.filter(({ holder }) => allOwners || holder.by !== "another owner");
  return some.toSorted((one, other) => rank(one) - rank(other) || one.instance.id - other.instance.id);
}

function asides({ machines, unlabelled, empty, unseen }: Survey, allOwners: boolean, now: number): string[] {
  const others = allOwners ? 0 : machines.filter(({ holder }) => holder.by === "another owner").length;
  return [
    ...(others > 0 ? [`Not shown: ${counted(others)} of other owners (--all-owners shows them)`] : []),
    ...(unlabelled > 0 ? [`Not looked at: ${counted(unlabelled)} without a label of this tool`] : []),
    ...empty.map(({ label, pid, at }) => {
      const ago = ageText((now - at) / 1000);
      return `Process ${pid} died ${ago} ago while it was renting ${label}; nothing came of it, and nothing bills`;
    }),
    ...unseen.map((one) => `Not seen: ${unseenText(one)}. What bills there is not known; run this again later`),
  ];
}

/** The account's names in stack configs, and why it could not be read. */
function unseenText({ names, error }: UnseenAccount): string {
  const called = names.map(({ apiUrl, apiKeyFile }) => [apiUrl || "Vast", apiKeyFile].filter(Boolean).join(", "));
  return [...called, error.message].join(": ");
}

function counted(machines: number): string {
  return machines === 1 ? "1 machine" : `${machines} machines`;
}

/** The survey as JSON, for scripts. */
export function jsonText(survey: Survey, allOwners: boolean, ended: readonly Surveyed[]): string {
  const now = Date.now();
  const gone = new Set(ended);
  const all = survey.machines.filter(({ holder }) => holder.by === "another owner").length;
  const object = {
    machines: shown(survey, allOwners).map((machine) => jsonOf(machine, now, gone)),
    emptyIntents: survey.empty.map(({ label, pid, host, at }) => ({
      label,
      pid,
      host,
      at: new Date(at).toISOString(),
    })),
    otherOwners: all,
    unlabelled: survey.unlabelled,
    unseen: survey.unseen.map(unseenText),
  };
  return JSON.stringify(object, undefined, 2);
}
