import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Address, typeOf } from "../../components/pulumi/addresses.ts";
import { type Intent, Journal } from "../../components/vast/journal/journal.ts";
import { type CommandResult, type RunningCommand, startCommand } from "../../scripts/lib/command.ts";
import { type LoggedRequest, type Simulator, startSimulator } from "../../simulator/index.ts";
import { filesBelow } from "../support/files-below.ts";
import { layOut } from "../support/program.ts";
import { asker, findOffer, ORDER } from "../support/simulator.ts";
import { kill, processesOf } from "./processes.ts";
import { openTerminal, type Terminal } from "./terminal.ts";

/** No waits but those that a program could trip over: a new machine is seen late, and one that goes is seen for a while. */
const TIMINGS = {
  ...{ rent: 0, report: 0, load: 0, pull: 0, ports: 0, sshd: 0, proxy: 0, attach: 0, stop: 0 },
  ...{ visible: 0.3, destroy: 0.3 },
};

/** What Pulumi knows of the stack. */
export interface State {
  /** Ids of the machines in it. */
  readonly instances: readonly string[];
  /** The label that was made for this run; undefined = none yet. */
  readonly label: string | undefined;
}

/** The small program on a simulator of this process, used by one case after the other. */
export class Stage {
  readonly simulator: Simulator;
  /** Machines that are none of ours, and never may be touched. */
  readonly foreign: readonly number[];
  readonly #root: string;
  readonly #layout: ReturnType<typeof layOut>;
  #mark = "";
  #since = 0;
  #told: string[] = [];
  /** GB that the program asks for. */
  wantedDisk = 150;

  /** @param change may spoil the program in its folder */
  static async open(change: (dir: string) => void = () => {}): Promise<Stage> {
    const root = mkdtempSync(join(tmpdir(), "kills-"));
    mkdirSync(join(root, "tmp"));
    const layout = layOut(root);
    change(layout.dir);
    const simulator = await startSimulator({ home: join(layout.home, "simulator"), timings: TIMINGS });
    try {
      const stage = new Stage(root, layout, simulator, await rentForOthers(simulator));
      await stage.#begin();
      return stage;
    } catch (error) {
      await simulator.close();
      rmSync(root, { recursive: true, force: true });
      throw error;
    }
  }

  private constructor(root: string, layout: ReturnType<typeof layOut>, simulator: Simulator, foreign: number[]) {
    this.#root = root;
    this.#layout = layout;
    this.simulator = simulator;
    this.foreign = foreign;
  }

  async #begin(): Promise<void> {
    this.#mark = `KILLED=${randomUUID()}`;
    const init = await this.pulumi("stack", ["init", "dev"]);
    assert.equal(init.code, 0, init.stderr);
    cpSync(this.#layout.backend, join(this.#root, "fresh"), { recursive: true });
  }

  async close(): Promise<void> {
    this.endAll();
    await this.simulator.close();
    rmSync(this.#root, { recursive: true, force: true });
  }

  /** As nothing had happened yet: an empty stack, an account without our key, no quote, nobody of ours about. */
  reset(): void {
    this.endAll();
    const { world } = this.simulator;
    world.faults.clear();
    world.holds.letGo();
    world.account.keys.length = 0;
    rmSync(this.#layout.backend, { recursive: true, force: true });
    cpSync(join(this.#root, "fresh"), this.#layout.backend, { recursive: true });
    for (const name of readdirSync(this.#journal)) rmSync(join(this.#journal, name));
    rmSync(join(this.#layout.home, "quotes"), { recursive: true, force: true });
    this.#mark = `KILLED=${randomUUID()}`;
    this.#since = world.requests.length;
    this.#told = [];
    this.wantedDisk = 150;
  }

  /** From now on the program asks for a larger disk, and so for another machine. */
  wantAnother(): void {
    this.wantedDisk = 200;
  }

  /** What all processes of this case have in their environment. */
  get mark(): string {
    return this.#mark;
  }

  endAll(): void {
    kill(
      processesOf(this.#mark).map(({ pid }) => pid),
      "SIGKILL",
    );
  }

  /** `pulumi` without questions, to its end. */
  async pulumi(command: string, words: readonly string[] = []): Promise<CommandResult> {
    const result = await this.start(command, words).result;
    this.note(`${result.command} -> ${result.code ?? result.signal}\n${result.stdout}${result.stderr}`);
    return result;
  }

  start(command: string, words: readonly string[] = []): RunningCommand {
    const stack = command === "stack" ? [] : ["-s", "dev"];
    const { dir } = this.#layout;
    return startCommand("pulumi", [command, ...words, ...stack, "--non-interactive"], { cwd: dir, env: this.#env });
  }

  /** The same in a terminal. */
  startInTerminal(command: string, words: readonly string[]): Terminal {
    return openTerminal("pulumi", [command, ...words, "-s", "dev"], this.#layout.dir, this.#env);
  }

  get #env(): NodeJS.ProcessEnv {
    const [name = "", value] = this.#mark.split("=");
    return {
      ...this.#layout.env,
      TMPDIR: join(this.#root, "tmp"),
      ARGS: JSON.stringify({ diskGb: this.wantedDisk }),
      [name]: value,
    };
  }

  /** What Pulumi's backend has on disk. */
  state(): State {
    const { checkpoint } = JSON.parse(readFileSync(join(this.#pulumi, "stacks", "tiny", "dev.json"), "utf8"));
    const resources: { type: string; id?: string; outputs?: { label?: string } }[] = checkpoint.latest?.resources ?? [];
    const ofType = (address: Address) => resources.filter(({ type }) => type === typeOf(address));
    return {
      instances: ofType("instance").flatMap(({ id }) => (id === undefined ? [] : [id])),
      label: ofType("identity")[0]?.outputs?.label,
    };
  }

  isLocked(): boolean {
    return filesBelow(join(this.#pulumi, "locks")).some((name) => /\.json$/.test(name));
  }

  get #pulumi(): string {
    return join(this.#layout.backend, ".pulumi");
  }

  intents(): Intent[] {
    return new Journal(this.#journal).listOpen();
  }

  get #journal(): string {
    const dir = join(this.#layout.home, "journal");
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    return dir;
  }

  /** Living contracts but for those of others. */
  living(): { id: number; label: string | null }[] {
    return this.simulator.world.contracts.living().filter(({ id }) => !this.foreign.includes(id));
  }

  disksOf(ids: readonly string[]): (number | undefined)[] {
    return ids.map((id) => this.simulator.world.contracts.get(Number(id))?.order.diskGb);
  }

  /** The others have labels that differ from ours by one character. */
  imitate(label: string): void {
    const owner = label.charAt(3) === "a" ? "b" : "a";
    const names = [`vt-${owner}${label.slice(4)}`, `${label.slice(0, -1)}${label.endsWith("0") ? "1" : "0"}`];
    for (const [index, id] of this.foreign.entries()) {
      const contract = this.simulator.world.contracts.get(id);
      if (contract !== undefined) contract.label = names[index] ?? null;
    }
  }

  /** Calls of this case. */
  requests(): LoggedRequest[] {
    return this.simulator.world.requests.slice(this.#since);
  }

  note(text: string): void {
    this.#told.push(text);
  }

  /** Everything that was typed and said in this case, and what the API was asked. */
  transcript(): string {
    const calls = this.requests().map(({ at, endpoint, path, status, fault }) => {
      const time = new Date(at).toISOString().slice(11, 23);
      return `  ${time} ${status} ${endpoint.includes("{id}") ? `${endpoint.split(" ")[0]} ${path}` : endpoint} ${fault ?? ""}`;
    });
    return [...this.#told, "calls:", ...calls].join("\n");
  }
}

/** Two machines, rented by somebody else with the same account. */
async function rentForOthers(simulator: Simulator): Promise<number[]> {
  const ask = asker(simulator);
  const wanted = { gpu_name: { eq: "RTX 4090" }, type: "on-demand" };
  const first = await findOffer({ ask }, wanted);
  const second = await findOffer({ ask }, { ...wanted, machine_id: { neq: first.machine_id } });
  // In one call, so that no rental of ours comes too early after it.
  const { body } = await ask("POST", "/api/v0/asks/bulk/", { ...ORDER, ids: [first.id, second.id] });
  const ids: number[] = body.results.map(({ new_contract: id }: { new_contract: number }) => id);
  assert.ok(ids.every(Number.isInteger), JSON.stringify(body));
  return ids;
}
