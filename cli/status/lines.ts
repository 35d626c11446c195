import { perHour } from "../../components/lib/money.ts";
import { durationText, sizeText } from "../../components/lib/text.ts";
import { cut } from "../command/columns.ts";
import type { Key } from "../facts/facts.ts";
import type { Phase } from "./phase.ts";
import type { Status } from "./status.ts";

/** Older than this a figure is shown with its age. Milliseconds. */
const FRESH_MS = 60_000;
const LABEL = 12;

/** Phases in which the machine itself can say something. */
const UP: readonly Phase[] = ["preparing", "training", "ended", "resumed", "unknown"];
/** Phases without a machine. */
const NONE: readonly Phase[] = ["nothing yet", "quoted", "renting", "released", "gone"];

type Row = readonly [label: string, text: string];

/** The screen: a row for each figure that makes sense in this phase. @param width characters in a line */
export function linesOf(status: Status, now: number, width: number): string[] {
  const { phase, instance } = status;
  const hasMachine = !NONE.includes(phase) && instance !== null;
  const rows: Row[] = [
    ["run", runText(status)],
    ["phase", phaseText(status, now)],
    ...vastRows(status, now),
    ...(hasMachine && UP.includes(phase) ? machineRows(status, now) : []),
    ["cost", costText(status)],
    ...(hasMachine ? marketRows(status, now) : []),
    ...checkpointRows(status, now, hasMachine),
    ...nextRows(status),
  ];
  return rows.flatMap(([label, text]) => {
    const lines = label === "log" ? [cut(text, width - LABEL)] : wrapped(text, width - LABEL);
    return lines.map((line, at) => `${(at === 0 ? label : "").padEnd(LABEL)}${line}`);
  });
}

/** A reason may be long. */
const MOST_LINES = 3;

/** At most three lines, the last one cut. */
function wrapped(text: string, width: number): string[] {
  const lines = [""];
  for (const word of text.split(/(?<=[^ ]) (?=[^ ])/)) {
    const [last = ""] = lines.slice(-1);
    const longer = last === "" ? word : `${last} ${word}`;
    if (longer.length <= width || lines.length === MOST_LINES || last === "") lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines.map((line) => cut(line, width));
}

function runText({ stack, instance, gpu }: Status): string {
  return [stack, ...(instance === null ? [] : [`instance ${instance}`]), ...(gpu === null ? [] : [gpu])].join(", ");
}

function phaseText({ phase, phaseAt, phaseText: text }: Status, now: number): string {
  const word = phase === "gone" ? "gone, at the latest since" : `${phase} since`;
  const since = phaseAt === null || phase === "unknown" ? phase : `${word} ${timeText(phaseAt, now)}`;
  return `${since}${text === "" ? "" : `: ${text}`}`;
}

/** Why Vast did not say how it is, and how old what is shown is. */
function vastRows({ phaseText: text, asked: { instance } }: Status, now: number): Row[] {
  const { at, why } = instance;
  if (why === null || why === text) return [];
  const last = at === null ? "what is shown was noted here" : `it was asked last ${ageText(at, now)}`;
  return [["vast", `cannot be asked, ${last}: ${why}`]];
}

function machineRows(status: Status, now: number): Row[] {
  const { gpuUse, gpuMemoryBytes, gpuMemoryOfBytes, diskBytes, diskOfBytes, upSeconds, logLine, logAgeSeconds } =
    status;
  const known = knownBy(status, "machine", now);
  const use = [gpuUse === null ? "use unknown" : `${Math.round(gpuUse)} %`, ofText(gpuMemoryBytes, gpuMemoryOfBytes)];
  const isKnown = status.asked.machine.at !== null;
  const age = logAgeSeconds === null ? "" : ` (${durationText(logAgeSeconds)} ago)`;
  if (!isKnown) return [["machine", known("")]];
  return [
    ["gpu", known(use.join(", "))],
    ["disk", known(ofText(diskBytes, diskOfBytes))],
    ["up", known(upSeconds === null ? "unknown" : durationText(upSeconds))],
    ["step", known(progressText(status))],
    ["log", logLine === null ? known("nothing yet") : `${logLine}${age}`],
  ];
}

function ofText(part: number | null, whole: number | null): string {
  return part === null || whole === null ? "unknown" : `${sizeText(part)} of ${sizeText(whole)}`;
}

function progressText({ step, steps, stepsPerSecond, epoch, loss }: Status): string {
  if (step === null && epoch === null) return "unknown: the log names none";
  const left = step !== null && steps !== null && stepsPerSecond !== null ? (steps - step) / stepsPerSecond : null;
  const parts = [
    step === null ? "" : `${step}${steps === null ? "" : ` of ${steps}`}`,
    stepsPerSecond === null
      ? ""
      : stepsPerSecond >= 1
        ? `${figure(stepsPerSecond)}/s`
        : `${figure(1 / stepsPerSecond)} s each`,
    left === null || left <= 0 ? "" : `${durationText(left)} left`,
    epoch === null ? "" : `epoch ${figure(epoch)}`,
    loss === null ? "" : `loss ${figure(loss)}`,
  ];
  return parts.filter((part) => part !== "").join(", ");
}

/** Three digits that count. */
function figure(value: number): string {
  return String(Number(value.toPrecision(3)));
}

function costText({ phase, stack, dollars, isLeast, perHour: rate }: Status): string {
  const now = rate === null ? "" : rate === 0 ? ", nothing now" : `, ${perHour(rate)} now`;
  if (dollars !== null) return `${isLeast ? "at least" : "about"} $${dollars.toFixed(2)}${now}`;
  return NONE.includes(phase) ? "nothing so far" : `not noted here: vast-run cost -s ${stack} asks Vast${now}`;
}

function marketRows(status: Status, now: number): Row[] {
  const { bidPerHour, marketPerHour, onDemandPerHour, leaseEndsAt, asked } = status;
  const bid = bidPerHour === null ? "nothing is bid" : perHour(bidPerHour);
  const least = marketPerHour === null ? "" : `; the market takes ${perHour(marketPerHour)}`;
  const onDemand = onDemandPerHour === null ? "unknown" : perHour(onDemandPerHour);
  const lease =
    leaseEndsAt === null ? "none: Vast never stops it by itself" : `Vast stops it ${timeText(leaseEndsAt, now)}`;
  return [
    [
      "bid",
      knownBy(status, "instance", now)(`${bid}${least}${asked.market.at === null ? "" : `; on demand ${onDemand}`}`),
    ],
    ["lease", knownBy(status, "lease", now)(lease)],
  ];
}

function checkpointRows(status: Status, now: number, hasMachine: boolean): Row[] {
  const { checkpoint, checkpointBytes, checkpointIsHome, home, asked } = status;
  if (!hasMachine && home === null && asked.saved.at === null) return [];
  const where = checkpointIsHome ? "home" : "not home yet";
  const text = checkpoint === null ? "none yet" : `${checkpoint}, ${sizeText(checkpointBytes ?? 0)}, ${where}`;
  return [["checkpoint", knownBy(status, "saved", now)(text)], ...(home === null ? [] : [["home", home] as const])];
}

function nextRows({ next }: Status): Row[] {
  const longest = Math.max(...next.map(([command]) => command.length));
  return next.map(([command, does], at) => [at === 0 ? "next" : "", `${command.padEnd(longest)}  ${does}`]);
}

/** The text with its age, or why nothing is known. */
function knownBy({ asked }: Status, key: Key, now: number): (text: string) => string {
  const { at, why } = asked[key];
  if (at === null && why === null) return () => "…";
  // Said once, in a row of its own.
  if (at === null) return () => (why === asked.instance.why ? "unknown" : `unknown: ${why}`);
  const isOld = why !== null || now - at > FRESH_MS;
  return (text) => (isOld ? `${text} (${ageText(at, now)})` : text);
}

/** "4 min ago" */
function ageText(at: number, now: number): string {
  return `${durationText(Math.max(now - at, 0) / 1000)} ago`;
}

/** "14:02", with the day where that is another one. By this computer's clock and time zone. */
export function timeText(at: number, now: number): string {
  const [date, today] = [new Date(at), new Date(now)];
  const time = date.toTimeString().slice(0, 5);
  return date.toDateString() === today.toDateString() ? time : `${date.toDateString().slice(4, 10)} ${time}`;
}
