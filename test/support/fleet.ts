import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { main } from "../../cli/main.ts";
import { openStateDir } from "../../components/lib/state-dir.ts";
import { typeOf } from "../../components/pulumi/addresses.ts";
import { type Intent, Journal } from "../../components/vast/journal/journal.ts";
import { runLabel } from "../../components/vast/journal/label.ts";
import type { Fault, Simulator } from "../../simulator/index.ts";
import { fakeTerminal } from "./fake-terminal.ts";
import { asker, findFreeOffer, ORDER, simulate } from "./simulator.ts";

/** An account with machines, the stacks of a project, and one owner's state directory. */
export interface Fleet {
  readonly simulator: Simulator;
  readonly owner: string;
  readonly env: NodeJS.ProcessEnv;
  readonly folder: string;
  readonly api: { readonly apiUrl: string; readonly apiKeyFile: string };
  /** Of this owner; another nonce each time. */
  label(stack: string, owner?: string): string;
  rent(label: string | null): Promise<number>;
  /** As in Vast's console. */
  relabel(id: number, label: string): Promise<void>;
  stop(id: number): Promise<void>;
  /** Resolves when Vast shows an error of its host. */
  failed(id: number): Promise<void>;
  /** Writes the state of a stack: these instances, under these labels. */
  stack(
    name: string,
    held: readonly { readonly id?: number; readonly label: string; readonly delete?: boolean }[],
  ): void;
  /** A stack whose state cannot be exported. */
  brokenStack(name: string): void;
  /** Notes an intent: this process's, or one of a process that has ended. */
  intent(label: string, from: Partial<Intent> & { readonly process: "alive" | "dead" | "elsewhere" }): void;
  openLabels(): string[];
  /** Ids of the machines that bill. */
  living(): number[];
  fault(...faults: Fault[]): void;
  sweep(...words: string[]): Promise<Said>;
  /** The same at a terminal; each question is answered with the next of these. */
  sweepAsking(
    answers: readonly (string | (() => string))[],
    ...words: string[]
  ): Promise<Said & { questions: string[] }>;
}

export interface Said {
  readonly code: number;
  readonly out: string;
  readonly note: string;
}

/** The last line of what a stub prints is the state of a stack. */
const PULUMI = `#!/bin/sh
case "$1 $2" in
"stack ls") cd "$STACKS"; sep=""; printf '['; for f in *.json; do [ -e "$f" ] && printf '%s{"name":"%s"}' "$sep" "\${f%.json}" && sep=,; done; printf ']\\n' ;;
"stack export") cat "$STACKS/$5.json" ;;
esac
`;

export async function openFleet(t: TestContext): Promise<Fleet> {
  const { home: folder, simulator } = await simulate(t, { pace: false, timings: { visible: 0 } });
  const [stacks, bin] = [join(folder, "stacks"), join(folder, "bin")];
  for (const name of [stacks, bin]) mkdirSync(name);
  writeFileSync(join(bin, "pulumi"), PULUMI);
  chmodSync(join(bin, "pulumi"), 0o755);
  const path = `${bin}:/usr/bin:/bin`;
  const env = { PATH: path, HOME: folder, VAST_TRAINING_HOME: join(folder, "home"), STACKS: stacks };
  const dir = openStateDir(env);
  const journal = new Journal(dir.journalDir);
  const api = { apiUrl: simulator.url, apiKeyFile: simulator.apiKeyFile };
  const ask = asker(simulator);

  const stack: Fleet["stack"] = (name, held) => {
    const resources = held.flatMap(({ id, label, delete: leaves = false }) => [
      { type: typeOf("identity"), id: label, outputs: { ...api, label } },
      ...(id === undefined
        ? []
        : [{ type: typeOf("instance"), id: String(id), delete: leaves, outputs: { ...api, label } }]),
    ]);
    writeFileSync(join(stacks, `${name}.json`), JSON.stringify({ version: 3, deployment: { resources } }));
  };
  const sweepOn = async (words: readonly string[], terminal = fakeTerminal({ cwd: folder, env })) => {
    const code = await main(["sweep", ...words], terminal);
    return { code, out: terminal.written.join("\n"), note: terminal.noted.join("\n") };
  };
  return {
    simulator,
    owner: dir.owner,
    env,
    folder,
    api,
    label: (stack, owner = dir.owner) => {
      const label = runLabel({ owner, project: "vast-training", stack, run: "run" });
      // As its identity does.
      if (owner === dir.owner) journal.begin(label);
      return label;
    },
    rent: async (label) => {
      const offer = await findFreeOffer({ simulator, ask });
      const { body } = await ask("PUT", `/api/v0/asks/${offer.id}/`, { ...ORDER, price: offer.min_bid, label });
      return body.new_contract;
    },
    relabel: async (id, label) => void (await ask("PUT", `/api/v0/instances/${id}/`, { label })),
    stop: async (id) => void (await ask("PUT", `/api/v0/instances/${id}/`, { state: "stopped" })),
    failed: async (id) => {
      const said = async () => String((await ask("GET", `/api/v0/instances/${id}/`)).body.instances?.status_msg);
      while (!(await said()).startsWith("Error")) await wait(100);
    },
    stack,
    brokenStack: (name) => mkdirSync(join(stacks, `${name}.json`)),
    intent: (label, { process: state, ...more }) => {
      const accountId = String(simulator.world.account.id);
      journal.close(label);
      journal.open({ label, urn: "", ...api, offerId: 1, at: Date.now() - 60_000, accountId, ...more });
      const dead = state === "dead" ? { pid: 2 ** 22 + 1, startedAt: "before" } : { host: "another-host" };
      if (state === "alive") return;
      const file = join(dir.journalDir, `${label}.json`);
      writeFileSync(file, JSON.stringify({ ...journal.find(label), ...dead, ...more }));
    },
    openLabels: () => journal.listOpen().map(({ label }) => label),
    living: () => simulator.world.contracts.living().map(({ id }) => id),
    fault: (...faults) => simulator.world.faults.add(...faults),
    sweep: (...words) => sweepOn(words),
    sweepAsking: async (answers, ...words) => {
      const left = [...answers];
      const questions: string[] = [];
      const terminal = fakeTerminal({
        cwd: folder,
        env,
        interactive: true,
        ask: async (question) => {
          questions.push(question);
          const answer = left.shift() ?? "";
          return typeof answer === "string" ? answer : answer();
        },
      });
      return { ...(await sweepOn(words, terminal)), questions };
    },
  };
}
