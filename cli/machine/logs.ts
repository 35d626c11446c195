import { type Command, type OptionValues, textOption } from "../command/command.ts";
import { exitCode, Failure } from "../command/failure.ts";
import { runInForeground } from "../command/foreground.ts";
import { openMachine, sshWords } from "./machine.ts";

const logFile = "/workspace/train.log";
/** A remote exit code that tail does not use. */
const noLog = 66;

export const logs: Command = {
  name: "logs",
  summary: "Show the end of the training log, or follow it",
  details: `The log is ${logFile} on the machine. ^C ends following, with exit code 0; training is not touched.

Examples:
  vast-run logs
  vast-run logs -n 500 > train.log
  vast-run logs -f`,
  options: {
    follow: { type: "boolean", short: "f", help: "go on with new lines as they are written, until ^C" },
    lines: { type: "string", short: "n", value: "N", help: "how many lines from the end; default 50" },
  },
  run: async (values, terminal) => {
    const lines = lineCount(values);
    const follow = values.follow === true;
    const words = sshWords(await openMachine(values, terminal), true);
    const ended = await runInForeground([...words, tailCommand(lines, follow)], terminal.env);
    if (ended.interrupted || ended.code === 0) return exitCode.ok;
    if (ended.code === noLog)
      throw new Failure(exitCode.failed, `There is no ${logFile} yet: training has not started`);
    throw new Failure(
      exitCode.failed,
      `The connection ended (${ended.code ?? ended.signal}); is the machine still there?`,
    );
  },
};

function lineCount(values: OptionValues): number {
  const text = textOption(values, "lines") ?? "50";
  if (!/^\d{1,9}$/.test(text)) {
    throw new Failure(exitCode.usage, `--lines: "${text}" is not a number of lines; write for instance -n 100`);
  }
  return Number(text);
}

/** With -F, because a training that starts again begins a new file. What was cut out of a long log reads as zeros. */
function tailCommand(lines: number, follow: boolean): string {
  if (follow) return `exec tail -n ${lines} -F ${logFile}`;
  return `[ -r ${logFile} ] || exit ${noLog}; tail -n ${lines} ${logFile} | tr -d '\\0'`;
}
