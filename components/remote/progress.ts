/** How far training is, as its log tells. Missing = the log does not say. */
export interface Progress {
  readonly step?: number;
  /** The last step of the run, or of its epoch. */
  readonly of?: number;
  readonly stepsPerSecond?: number;
  readonly epoch?: number;
  readonly loss?: number;
}

/** How far back the log is read. Lines from the end. */
const LINES = 40;

/**
 * Reads what the usual trainers print: progress bars of tqdm (transformers, torchtune, Lightning), the dictionaries of
 * transformers, nanoGPT's `iter N: loss`, and lines with `step N`. Of each figure the last one counts.
 */
export function progressIn(lines: readonly string[]): Progress {
  return Object.assign({}, ...lines.slice(-LINES).map(progressOf));
}

function progressOf(line: string): Progress {
  return { ...epochAndLoss(line), ...(barIn(line) ?? stepIn(line)) };
}

/** A bar says how many of how many, how long, and how fast: "62%|███ | 620/1000 [04:10<02:33, 2.48it/s]". */
function barIn(line: string): Progress | undefined {
  const bar = /(?:^|[\s|━╸╺#])(\d+)\/(\d+)\s+(?:\[)?\d+:\d\d.*?([\d.]+)\s?(it\/s|s\/it)\b/.exec(line);
  if (bar !== null) return { step: Number(bar[1]), of: Number(bar[2]), ...speed(Number(bar[3]), bar[4] === "s/it") };
  const slow = /(?:^|[\s|━╸╺#])(\d+)\/(\d+)\s+\[\d+:\d\d/.exec(line); // its speed is not known yet
  return slow === null ? undefined : { step: Number(slow[1]), of: Number(slow[2]) };
}

function stepIn(line: string): Progress | undefined {
  const found =
    /(?:^|[\s\]{,"'(])(?:global[_ ]?)?(?:step|iter|iteration)s?["']?\s*[:=#]?\s*(\d+)(?:\s*(?:\/|of)\s*(\d+))?/i.exec(
      line,
    );
  if (found === null) return undefined;
  const of = found[2] === undefined ? {} : { of: Number(found[2]) };
  return { step: Number(found[1]), ...of, ...speedIn(line) };
}

function speedIn(line: string): Progress {
  const rate = /([\d.]+)\s?(?:it|steps?)\/s\b/.exec(line)?.[1];
  if (rate !== undefined) return speed(Number(rate), false);
  const [, time, unit] = /\b(?:time|step_time|dt)\s*[:=]?\s*([\d.]+)\s?(ms|s)\b/.exec(line) ?? [];
  return time === undefined ? {} : speed(Number(time) / (unit === "ms" ? 1000 : 1), true);
}

function speed(figure: number, isSecondsPerStep: boolean): Progress {
  const stepsPerSecond = isSecondsPerStep ? 1 / figure : figure;
  return Number.isFinite(stepsPerSecond) && stepsPerSecond > 0 ? { stepsPerSecond } : {};
}

function epochAndLoss(line: string): Progress {
  const figure = "(-?\\d+(?:\\.\\d+)?(?:e[+-]?\\d+)?)";
  const number = (name: string) => new RegExp(`${name}["']?\\s*[:=]?\\s*${figure}`, "i").exec(line)?.[1];
  const epoch = number("\\bepoch") ?? /^(\d+)\|\d+\|/.exec(line)?.[1];
  const loss = number("(?:^|[^a-z])(?:train[_ ])?loss");
  return {
    ...(epoch === undefined ? {} : { epoch: Number(epoch) }),
    ...(loss === undefined ? {} : { loss: Number(loss) }),
  };
}
