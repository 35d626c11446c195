import { rentalsIn } from "../../components/events/bill.ts";
import type { Event, What } from "../../components/events/event.ts";
import { GONE } from "../../components/events/news.ts";
import { isOutbid, phaseOf } from "../../components/vast/client/phase.ts";
import type { Instance } from "../../components/vast/client/wire.ts";
import type { Asked, Facts, Figures } from "../facts/facts.ts";

/** Where a run stands. */
export const PHASES = [
  "nothing yet",
  "quoted",
  "renting",
  "booting",
  "preparing", // code, dependencies and set-up, until training says its first line
  "training",
  "ended", // training, by itself
  "failed", // the machine did not come up
  "outbid",
  "stopped",
  "resumed", // by Vast or by us, and nobody has looked at training since
  "released",
  "gone", // at Vast, and not released by us
  "unknown", // Vast does not know either, or cannot be asked and nothing is noted
] as const;

export type Phase = (typeof PHASES)[number];

/** A phase, and how it is known. */
export interface Stand {
  readonly phase: Phase;
  /** Since when; where that is not known, when it was seen. Milliseconds since 1970; null = not known. */
  readonly at: number | null;
  /** More about it, for people; "" = nothing. */
  readonly text: string;
  /** Of a training that has ended; null = not known. */
  readonly exitCode: number | null;
}

const stand = (phase: Phase, at: number | null, text = "", exitCode: number | null = null): Stand => {
  return { phase, at, text, exitCode };
};

/** The phase of a run: what was learned last counts. */
export function standOf(facts: Facts): Stand {
  const noted = byLog(facts);
  const { value, at = 0, why } = facts.instance;
  if (value !== undefined && at >= (noted.at ?? 0)) return byVast(value, at, noted, facts.machine);
  if (noted.phase === "nothing yet" && why !== undefined) return stand("unknown", null, why);
  return noted;
}

const NO_MORE = "Vast knows no such machine any more";

/** What an event of a machine says of the run. */
const AFTER: Partial<Record<What, Phase>> = {
  rented: "booting",
  ready: "preparing",
  started: "preparing",
  "first line": "training",
  outbid: "outbid",
  stopped: "stopped",
  resumed: "resumed",
  ended: "ended",
  failed: "failed",
  released: "released",
};

function byLog({ events, run, renting }: Facts): Stand {
  const ofRun = events.filter((event) => event.run === run);
  const noted = ofRun.some(({ what }) => what === "rented") ? byRental(ofRun) : byFold(ofRun);
  if (renting !== "no" && !["booting", "preparing", "training"].includes(noted.phase))
    return stand("renting", noted.at, renting === "cut short" ? "the process that did it has ended" : "");
  const quote = events.findLast(({ what }) => what === "quoted");
  const isOver = ["nothing yet", "released", "failed"].includes(noted.phase);
  return isOver && quote !== undefined && quote.at > (noted.at ?? 0) ? stand("quoted", quote.at) : noted;
}

function byFold(events: readonly Event[]): Stand {
  const at = events.at(-1)?.at;
  return at === undefined ? stand("nothing yet", null) : stand("released", at);
}

/** By what was noted of the machine that was rented last. */
function byRental(events: readonly Event[]): Stand {
  const told = (rentalsIn(events).at(-1)?.events ?? []).filter(({ what }) => what in AFTER);
  const last = told.at(-1);
  const phase = (last && AFTER[last.what]) ?? "nothing yet";
  const failed = told.find(({ what }) => what === "failed");
  if (phase === "released" && failed !== undefined && !told.some(({ what }) => what === "ready"))
    return stand("failed", last?.at ?? null, `${failed.reason ?? ""}; it was released, and nothing bills`);
  if (phase === "released" && last?.reason === GONE) return stand("gone", last.at, NO_MORE);
  // What is noted with a first line tells how it came, not how training stands.
  return stand(phase, last?.at ?? null, phase === "training" ? "" : (last?.reason ?? ""));
}

/** By Vast's answer, and where that is not enough by what the machine says. */
function byVast(value: Instance | "gone", at: number, noted: Stand, machine: Asked<Figures>): Stand {
  if (value === "gone") return ["released", "gone"].includes(noted.phase) ? noted : stand("gone", at, NO_MORE);
  const { phase, text } = phaseOf(value);
  const since = (name: Phase) => (noted.phase === name ? noted.at : at);
  switch (phase) {
    case "pending":
      return stand("booting", since("booting"), text);
    case "failed":
      return stand("failed", since("failed"), text);
    case "stopped": {
      const name = isOutbid(value) ? "outbid" : "stopped";
      return stand(name, since(name), text);
    }
    case "ready":
      return whileUp(noted, machine, at);
    default:
      return stand("unknown", at, text);
  }
}

/** Vast says that the machine is up. */
function whileUp(noted: Stand, { value, at = 0 }: Asked<Figures>, seenAt: number): Stand {
  const isNews = value !== undefined && at >= (noted.at ?? 0);
  if (isNews && value.training === "ended") {
    const code = value.exitCode;
    return stand(
      "ended",
      at - (value.logAge ?? 0) * 1000,
      code === null ? "it was cut short" : `exit code ${code}`,
      code,
    );
  }
  if (isNews && value.training === "runs") return noted.phase === "training" ? noted : stand("training", at);
  if (isNews && noted.phase !== "booting") return stand("preparing", noted.phase === "preparing" ? noted.at : at);
  if (["outbid", "stopped"].includes(noted.phase)) return stand("resumed", seenAt);
  const isNoted = !["nothing yet", "quoted", "released", "failed"].includes(noted.phase);
  return isNoted ? noted : stand("unknown", seenAt, "the machine is up; what it does is not noted here");
}
