import { after, describe, test } from "node:test";
import { isAll } from "../support/all.ts";
import { allCases, type Case, sampleOf } from "./cases.ts";
import { type Bill, runCase } from "./run-case.ts";
import { Stage } from "./stage.ts";

// VAST_TRAINING_KILLS=TEXT runs the cases whose names contain the text; VAST_TRAINING_SEED=N takes another sample.
const { VAST_TRAINING_KILLS, VAST_TRAINING_SEED = "1" } = process.env;
const needsRoot =
  process.getuid?.() === 0 && process.platform === "linux" ? {} : { skip: "machines need root on Linux" };

/** An up is killed in test/components/vast/instance/kill.test.ts and test/cli/recover/recover.test.ts, and a refresh rents nothing. */
const SAMPLE = { up: 0, replace: 0, refresh: 0, destroy: 1 };
const cases = chosen();
/** Cases that run beside each other, each on a stage of its own. */
const STAGES = cases.length > 8 ? 3 : 1;

const free: Stage[] = [];
const bills = new Map<Case, Bill>();

after(async () => {
  await Promise.all(free.map((stage) => stage.close()));
  if (bills.size > 0) console.log(summary());
});

function chosen(): Case[] {
  const all = allCases();
  if (VAST_TRAINING_KILLS !== undefined) return all.filter(({ name }) => name.includes(VAST_TRAINING_KILLS));
  if (isAll) return all;
  console.log(`VAST_TRAINING_SEED=${VAST_TRAINING_SEED} of ${all.length} kills`);
  return sampleOf(all, Number(VAST_TRAINING_SEED), SAMPLE);
}

describe("pulling the plug", { ...needsRoot, concurrency: STAGES, timeout: 6 * 3_600_000 }, () => {
  for (const each of cases) {
    test(each.name, { timeout: 280_000 }, async () => {
      const stage = free.pop() ?? (await Stage.open());
      try {
        bills.set(each, await runCase(stage, each));
        free.push(stage);
      } catch (error) {
        await stage.close(); // it may hold machines that the next case would be blamed for
        throw error;
      }
    });
  }
});

function summary(): string {
  const all = [...bills.values()];
  const sum = (value: (bill: Bill) => number) => all.reduce((total, bill) => total + value(bill), 0);
  const most = (value: (bill: Bill) => number) => Math.max(...all.map(value));
  const typed = all.flatMap(({ more }) => more).toSorted();
  const counts = [...new Set(typed)].map((line) => `${line} (${typed.filter((other) => other === line).length})`);
  return [
    `${all.length} kills in ${sum(({ seconds }) => seconds).toFixed(0)} s, the longest ${most(({ seconds }) => seconds).toFixed(0)} s`,
    `quiet after ${most(({ quietSeconds }) => quietSeconds ?? 0).toFixed(1)} s at most`,
    `$${(sum(({ dollars }) => dollars) / all.length).toFixed(4)} a kill, $${most(({ dollars }) => dollars).toFixed(4)} at most`,
    `typed besides: ${counts.join(", ") || "nothing"}`,
  ].join("; ");
}
