import assert from "node:assert/strict";
import { test } from "node:test";
import type { Asked, Facts, Figures } from "../../../cli/facts/facts.ts";
import { linesOf } from "../../../cli/status/lines.ts";
import { PHASES, type Phase } from "../../../cli/status/phase.ts";
import { type Status, statusOf } from "../../../cli/status/status.ts";
import type { Event, What } from "../../../components/events/event.ts";
import { GONE } from "../../../components/events/news.ts";
import { type Instance, instanceFromWire } from "../../../components/vast/client/wire.ts";

const NOW = Date.parse("2026-11-27T14:00:00Z");
const MINUTE = 60_000;
const RUN = "vt-abcdefgh-vast-training-dev-run-12345678";

const UP = { actual_status: "running", intended_status: "running", cur_state: "running", next_state: "running" };
const DOWN = { actual_status: "exited", intended_status: "stopped", cur_state: "stopped", next_state: "stopped" };

function instance(words: object): Instance {
  const row = { gpu_name: "H100 SXM", num_gpus: 2, is_bid: true, dph_base: 2, dph_total: 2.1, storage_total_cost: 0.1 };
  const read = instanceFromWire({ id: 7, label: RUN, machine_id: 5, min_bid: 1.8, ...row, ...words });
  assert.ok(read);
  return read;
}

const FIGURES: Figures = {
  ...{ gpuUse: 87, gpuMemory: 41_000, gpuMemoryOf: 81_000, disk: 34e9, diskOf: 150e9, up: 18_720 },
  ...{ training: "runs", exitCode: null, logAge: 2, line: "step 620/1000, loss 1.23, 2.5 it/s" },
  progress: { step: 620, of: 1000, stepsPerSecond: 2.5, loss: 1.23 },
};

/** A case: what was noted up to an hour ago, and what Vast and the machine say now. */
interface Case {
  readonly noted: readonly (What | "gone" | "fault")[];
  readonly renting?: Facts["renting"];
  readonly vast?: Instance | "gone";
  readonly machine?: Partial<Figures>;
  /** What is shown when nobody can be asked; default the same. */
  readonly byLog?: Phase;
  /** What is shown when only the machine cannot be asked; default the same. */
  readonly byVast?: Phase;
  readonly next: RegExp;
}

const LIVED = ["rented", "ready", "started", "first line"] as const;

const CASES: Readonly<Record<Phase, Case>> = {
  "nothing yet": { noted: [], next: /^pulumi preview -s dev/ },
  quoted: { noted: ["quoted"], next: /^pulumi up -s dev/ },
  renting: { noted: ["quoted"], renting: "by a process", next: /^vast-run status --watch/ },
  booting: { noted: ["rented"], vast: instance({ actual_status: "loading" }), next: /^vast-run status --watch/ },
  preparing: {
    noted: ["rented", "ready"],
    vast: instance(UP),
    machine: { training: "not begun" },
    next: /^vast-run logs -f/,
  },
  training: { noted: LIVED, vast: instance(UP), machine: {}, next: /^vast-run logs -f -s dev/ },
  ended: {
    noted: LIVED,
    vast: instance(UP),
    machine: { training: "ended", exitCode: 1 },
    byLog: "training",
    byVast: "training",
    next: /^vast-run logs -s dev/,
  },
  failed: { noted: ["rented", "fault", "released"], next: /^pulumi up -s dev +tries again/ },
  outbid: {
    noted: LIVED,
    vast: instance({ ...DOWN, min_bid: 2.5 }),
    byLog: "training",
    next: /^pulumi up --refresh -s dev +bids again/,
  },
  stopped: {
    noted: LIVED,
    vast: instance(DOWN),
    byLog: "training",
    next: /^pulumi up --refresh -s dev +starts it again/,
  },
  resumed: { noted: [...LIVED, "outbid", "resumed"], vast: instance(UP), next: /^vast-run logs -f/ },
  released: { noted: [...LIVED, "ended", "synced", "released"], next: /^vast-run logs -s dev/ },
  gone: { noted: LIVED, vast: "gone", byLog: "training", next: /^pulumi up --refresh -s dev +rents a new one/ },
  unknown: {
    noted: LIVED,
    vast: instance({ actual_status: "offline" }),
    byLog: "training",
    next: /^pulumi up --refresh -s dev +waits for it/,
  },
};

function eventsOf(noted: Case["noted"]): Event[] {
  return noted.map((kind, number): Event => {
    const what = kind === "gone" ? "released" : kind === "fault" ? "failed" : kind;
    const machine = what === "quoted" ? { stack: "dev" } : { run: RUN, instance: 7 };
    const price = what === "rented" ? { gpu: "2x H100 SXM", gpuPerHour: 2, diskPerHour: 0.1, machineId: 5 } : {};
    const why = kind === "gone" ? { reason: GONE } : kind === "fault" ? { reason: "its host cannot start it" } : {};
    const home = what === "synced" || what === "started" ? { home: "/home/me/checkpoints/dev/7" } : {};
    return { at: NOW - (60 - number) * MINUTE, actor: "a test", what, ...machine, ...price, ...why, ...home };
  });
}

/** Who answers. A figure that an earlier status has seen is four minutes old where nobody answers now. */
const CIRCUMSTANCES = {
  network: { vast: undefined, machine: undefined },
  "no network": { vast: "no answer (ENOTFOUND) from https://console.vast.ai", machine: "no login over ssh" },
  "a key that is refused": { vast: "Vast refuses the key (401)", machine: "Vast refuses the key (401)" },
  "a box that is dead": { vast: undefined, machine: "no login over ssh: direct timeout" },
} as const;

function factsOf(phase: Phase, circumstance: keyof typeof CIRCUMSTANCES, seen?: "seen before"): Facts {
  const { noted, renting = "no", vast, machine } = CASES[phase];
  const why = CIRCUMSTANCES[circumstance];
  const asked = <T>(value: T | undefined, trouble: string | undefined): Asked<T> => {
    if (value === undefined) return {};
    if (trouble === undefined) return { value, at: NOW - 1000 };
    return seen === undefined ? { why: trouble } : { value, at: NOW - 4 * MINUTE, why: trouble };
  };
  const figures = machine === undefined ? undefined : { ...FIGURES, ...machine };
  const isUp = vast !== undefined && vast !== "gone";
  return {
    ...{ stack: "dev", events: eventsOf(noted), run: noted.some((what) => what === "rented") ? RUN : null, renting },
    instance: asked(vast, why.vast),
    market: asked(isUp ? { onDemand: 2.9 } : undefined, why.vast),
    lease: asked<number | null>(isUp ? NOW + 60 * MINUTE : undefined, why.vast),
    machine: asked(figures, why.machine),
    saved: asked(figures && { name: "step_620", bytes: 1.2e9, isHome: false }, why.machine),
  };
}

const NUMBERS: readonly (keyof Status)[] = [
  ...(["instance", "phaseAt", "exitCode", "gpuUse", "gpuMemoryBytes", "gpuMemoryOfBytes", "diskBytes"] as const),
  ...(["diskOfBytes", "upSeconds", "dollars", "perHour", "bidPerHour", "marketPerHour", "onDemandPerHour"] as const),
  ...(["leaseEndsAt", "logAgeSeconds", "step", "steps", "stepsPerSecond", "epoch", "loss", "checkpointBytes"] as const),
];

for (const phase of PHASES)
  for (const circumstance of Object.keys(CIRCUMSTANCES) as (keyof typeof CIRCUMSTANCES)[])
    test(`${phase}, with ${circumstance}`, () => {
      const { byLog = phase, byVast = phase, vast, machine, next } = CASES[phase];
      const { vast: noVast, machine: noMachine } = CIRCUMSTANCES[circumstance];
      const facts = factsOf(phase, circumstance);
      const status = statusOf(facts, NOW);
      const lines = linesOf(status, NOW, 80);
      const screen = lines.join("\n");
      const expected = noVast !== undefined ? byLog : noMachine !== undefined ? byVast : phase;
      assert.equal(status.phase, expected, screen);
      assert.match(lines[1] ?? "", new RegExp(`^phase +${expected}`));
      assert.ok(
        lines.every(({ length }) => length <= 80),
        screen,
      );
      if (expected === phase) assert.match(screen.split(/^next +/m)[1] ?? "", next);
      for (const name of NUMBERS) assert.ok(status[name] === null || typeof status[name] === "number", name);
      // Nothing that is not known is shown as a figure.
      if (noVast !== undefined && vast !== undefined) {
        assert.deepEqual([status.bidPerHour, status.onDemandPerHour, status.leaseEndsAt], [null, null, null]);
        assert.match(screen, /^vast +cannot be asked, what is shown was noted here: \S/m);
      }
      if (noMachine !== undefined && machine !== undefined) {
        assert.deepEqual([status.gpuUse, status.step, status.checkpoint], [null, null, null]);
        assert.match(screen, /^machine +unknown(: no login over ssh|$)/m);
        assert.doesNotMatch(screen, /\b0 %|^step|^up /m);
      }
      if (noMachine === undefined && machine !== undefined) assert.match(screen, /^gpu +87 %, 43\.0 GB of 84\.9 GB$/m);
    });

test("what an earlier status has seen is shown with its age", () => {
  const status = statusOf(factsOf("training", "no network", "seen before"), NOW);
  const screen = linesOf(status, NOW, 80).join("\n");
  assert.match(screen, /^gpu +87 %, .* \(4 min ago\)$/m);
  assert.match(screen, /^vast +cannot be asked, it was asked last 4 min ago: no answer/m);
  assert.match(screen, /^lease .* \(4 min ago\)$/m);
  assert.match(screen, /^log +step 620\/1000, .* \(4 min ago\)$/m);
  assert.deepEqual([status.gpuUse, status.asked.machine.at], [87, NOW - 4 * MINUTE]);
});

test("what was noted after Vast was asked counts", () => {
  const facts = factsOf("outbid", "network");
  const resumed: Event = { at: NOW, actor: "a test", what: "resumed", run: RUN, instance: 7 };
  assert.equal(statusOf({ ...facts, events: [...facts.events, resumed] }, NOW).phase, "resumed");
  const back = { ...factsOf("training", "network"), events: eventsOf([...LIVED, "outbid"]), machine: {} };
  assert.equal(statusOf(back, NOW).phase, "resumed");
  assert.equal(statusOf({ ...facts, events: eventsOf([...LIVED, "gone"]), instance: {} }, NOW).phase, "gone");
});

test("what was seen of a machine that was released since says nothing any more", () => {
  const seen = factsOf("training", "no network", "seen before");
  const released: Event = { at: NOW, actor: "a test", what: "released", run: RUN, instance: 7 };
  const status = statusOf({ ...seen, events: [...seen.events, released] }, NOW);
  assert.deepEqual([status.phase, status.perHour, status.gpuUse, status.bidPerHour], ["released", 0, null, null]);
  assert.match(linesOf(status, NOW, 80).join("\n"), /^cost +about \$\d+\.\d\d, nothing now$/m);
});

test("a rental that was cut short, a run of another computer, and a log that is lost are told as such", () => {
  const cut = linesOf(statusOf({ ...factsOf("renting", "network"), renting: "cut short" }, NOW), NOW, 80).join("\n");
  assert.match(cut, /^phase +renting: the process that did it has ended$/m);
  assert.match(cut, /vast-run recover -s dev/);
  const foreign = statusOf({ ...factsOf("training", "network"), events: [], run: null }, NOW);
  assert.deepEqual([foreign.phase, foreign.run, foreign.dollars], ["training", RUN, null]);
  assert.match(
    linesOf(foreign, NOW, 80).join("\n"),
    /^cost +not noted here: vast-run cost -s dev asks Vast, \$2\.100\/h now$/m,
  );
  const lost = statusOf({ ...factsOf("nothing yet", "network"), instance: { why: "Pulumi is not logged in" } }, NOW);
  assert.equal(lost.phase, "unknown");
});

test("before anybody has answered it says so", () => {
  const screen = linesOf(statusOf({ ...factsOf("training", "network"), machine: {}, lease: {} }, NOW), NOW, 80).join(
    "\n",
  );
  assert.match(screen, /^machine +…$/m);
  assert.match(screen, /^lease +…$/m);
});

test("how long the first line took is no part of how training stands", () => {
  const facts = factsOf("training", "no network");
  const reason = "3.0 s after the first login";
  const events = facts.events.map((event) => (event.what === "first line" ? { ...event, reason } : event));
  assert.match(linesOf(statusOf({ ...facts, events }, NOW), NOW, 80).join("\n"), /^phase +training since \d+:\d+$/m);
});
