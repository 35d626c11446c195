import assert from "node:assert/strict";
import { type Case, LEAVES_PROVIDER, type Moment } from "./cases.ts";
import { type Held, needsTerminal, strike } from "./endings.ts";
import { noneLeft } from "./processes.ts";
import type { Stage } from "./stage.ts";

/** What a case took and cost. */
export interface Bill {
  readonly seconds: number;
  /** From the kill until nothing of ours ran any more; null = nobody waited. */
  readonly quietSeconds: number | null;
  /** Dollars that our machines have cost. */
  readonly dollars: number;
  /** Commands beyond the promised ones that had to be typed. */
  readonly more: readonly string[];
}

/** Whatever outlives the command has so long to clear up and to end. */
const QUIET_MS = 90_000;
const SKIP_PREVIEW = ["--yes", "--skip-preview"];

/** Runs a case on a stage. Throws, with everything that was typed and said, when an invariant does not hold. */
export async function runCase(stage: Stage, each: Case, quietMs = QUIET_MS): Promise<Bill> {
  const began = Date.now();
  stage.reset();
  try {
    return await new Run(stage, each, began, quietMs).run();
  } catch (error) {
    const again = `VAST_TRAINING_KILLS='${each.name}' npm test -- test/kills`;
    const { message } = error as Error;
    throw new Error(`${each.name}\n${message}\n\n${stage.transcript()}\n\nthis one again: ${again}`);
  } finally {
    stage.endAll();
  }
}

class Run {
  readonly #stage: Stage;
  readonly #case: Case;
  readonly #began: number;
  readonly #quietMs: number;
  readonly #more: string[] = [];

  constructor(stage: Stage, each: Case, began: number, quietMs: number) {
    this.#quietMs = quietMs;
    this.#stage = stage;
    this.#case = each;
    this.#began = began;
  }

  async run(): Promise<Bill> {
    const { moment, then, atOnce } = this.#case;
    if (moment.command !== "up") await this.#works("up", SKIP_PREVIEW);
    if (moment.command === "replace") this.#stage.wantAnother();
    const killedAt = await this.#kill();
    if (!atOnce) await this.#quiet();
    const quietSeconds = atOnce ? null : seconds(killedAt);
    if (!atOnce) this.#assertKnown();
    const known = this.#stage.requests().length;
    if (this.#stage.isLocked()) await this.#besides("cancel", ["--yes"]);
    for (const command of then) await (command === "up" ? this.#up() : this.#destroy());
    await this.#quiet();
    if (LEAVES_PROVIDER.has(this.#case.ending)) this.#assertNoRental(killedAt, known);
    this.#assertUntouched();
    return { seconds: seconds(this.#began), quietSeconds, dollars: this.#dollars(), more: this.#more };
  }

  /** Runs the command until the moment has come, and ends it; answers when it had ended. */
  async #kill(): Promise<number> {
    const { moment, ending } = this.#case;
    const stage = this.#stage;
    const { world } = stage.simulator;
    world.faults.add({ on: moment.endpoint, do: faultOf(moment), after: moment.nth - 1 });
    const typed = moment.command === "replace" ? "up" : moment.command;
    const terminal = needsTerminal(ending) ? stage.startInTerminal(typed, SKIP_PREVIEW) : undefined;
    const command = terminal === undefined ? stage.start(typed, SKIP_PREVIEW) : undefined;
    const ended = command?.result.then(({ stdout, stderr }) => stdout + stderr) ?? terminal?.ended;
    const early = ended?.then(async () => {
      throw new Error(
        `the command ended before ${moment.endpoint} #${moment.nth}: ${terminal?.screen() ?? (await ended)}`,
      );
    });
    await Promise.race([world.holds.seen(), early]);
    early?.catch(() => {}); // now it shall end
    const { label } = stage.state();
    if (label !== undefined) stage.imitate(label);
    const held: Held = { mark: stage.mark, command, terminal, letGo: () => void world.holds.letGo() };
    await strike(ending, held);
    const killedAt = Date.now();
    if (terminal !== undefined) stage.note(`${moment.command} in a terminal:\n${terminal.screen()}`);
    if (command !== undefined) stage.note(`${moment.command}:\n${await ended}`);
    stage.note(`--- ${ending} at ${new Date(killedAt).toISOString().slice(11, 23)}`);
    return killedAt;
  }

  async #up(): Promise<void> {
    const { code, stdout, stderr } = await this.#stage.pulumi("up", SKIP_PREVIEW);
    // A machine that the killed destroy has released: the user is told what to type.
    if (code !== 0 || this.#stage.living().length === 0) {
      assert.match(
        stdout + stderr,
        /pulumi up --refresh rents a new one/,
        "up made no machine, and is silent about it",
      );
      await this.#besides("up", ["--refresh", ...SKIP_PREVIEW]);
    }
    const ids = this.#stage.living().map(({ id }) => String(id));
    assert.equal(ids.length, 1, `after up there is exactly one machine, not ${ids.join(", ")}`);
    assert.deepEqual(this.#stage.state().instances, ids, "it is the one in the state");
    assert.equal(this.#stage.disksOf(ids)[0], this.#stage.wantedDisk, "it is what was asked for");
    assert.deepEqual(this.#stage.intents(), [], "nothing is unaccounted for after up");
  }

  async #destroy(): Promise<void> {
    await this.#works("destroy", SKIP_PREVIEW);
    assert.deepEqual(
      this.#stage.living().map(({ id }) => id),
      [],
      "after destroy there is no machine",
    );
    assert.deepEqual(this.#stage.intents(), [], "nothing is unaccounted for after destroy");
  }

  async #works(command: string, words: readonly string[]): Promise<void> {
    const { code, command: typed } = await this.#stage.pulumi(command, words);
    assert.equal(code, 0, `${typed} failed`);
  }

  /** Not among what was promised to be enough. */
  #besides(command: string, words: readonly string[]): Promise<void> {
    this.#more.push([command, ...words].join(" "));
    return this.#works(command, words);
  }

  /** Pulumi's own language host outlives its command by minutes, and looks for the engine in its own time. */
  #quiet(): Promise<void> {
    return noneLeft(this.#stage.mark, ({ role }) => role !== "language host", this.#quietMs);
  }

  /** Every machine of ours is in the state, or in an open intent, or carries the label that is in the state. */
  #assertKnown(): void {
    const { instances, label } = this.#stage.state();
    const intents = this.#stage.intents();
    const strays = this.#stage.living().filter((machine) => {
      const intended = intents.some(
        (intent) => intent.instanceIds.includes(machine.id) || intent.label === machine.label,
      );
      return !intended && !instances.includes(String(machine.id)) && (label === undefined || machine.label !== label);
    });
    assert.deepEqual(strays, [], "machines that nobody knows of");
  }

  /** What outlives the engine rents nothing more. */
  #assertNoRental(killedAt: number, known: number): void {
    const late = this.#stage
      .requests()
      .filter(({ at, endpoint }, index) => endpoint === "PUT /asks/{id}/" && at > killedAt && index < known);
    assert.deepEqual(late, [], "rentals after the end of the engine");
  }

  #assertUntouched(): void {
    const { world } = this.#stage.simulator;
    for (const id of this.#stage.foreign) {
      assert.equal(world.contracts.get(id)?.destroyedAt, null, `machine ${id} of somebody else is gone`);
      const calls = this.#stage.requests().filter(({ method, path }) => method !== "GET" && path.includes(`/${id}/`));
      assert.deepEqual(calls, [], `machine ${id} of somebody else was touched`);
    }
  }

  #dollars(): number {
    const { contracts, clock } = this.#stage.simulator.world;
    const ours = contracts.all().filter(({ createdAt }) => createdAt >= this.#began);
    return ours.reduce((sum, { meter }) => sum + meter.read(clock.now()).total, 0);
  }
}

function faultOf({ when }: Moment): string {
  return { at: "hold", before: "hold", after: "holdAfter", lost: "holdLost" }[when];
}

function seconds(since: number): number {
  return (Date.now() - since) / 1000;
}
