import { type Terminal, textOption, type Values } from "../command/command.ts";
import { exitCode, Failure } from "../command/failure.ts";
import { runInForeground } from "../command/foreground.ts";
import { openMachine, sshWords } from "./machine.ts";

const logFile = "/workspace/train.log";
/** A remote exit code that tail does not use. */
const noLog = 66;

/** Runs `vast-run logs`. */
export async function showLog(values: Values, terminal: Terminal): Promise<number> {
  const lines = lineCount(values);
  const follow = values.follow === true;
  const words = sshWords(await openMachine(values, terminal), true);
  const ended = await runInForeground([...words, tailCommand(lines, follow)], terminal.env);
  if (ended.interrupted || ended.code === 0) return exitCode.ok;
  if (ended.code === noLog) throw new Failure(exitCode.failed, `There is no ${logFile} yet: training has not started`);
  throw new Failure(
    exitCode.failed,
    `The connection ended (${ended.code ?? ended.signal}); is the machine still there?`,
  );
}

function lineCount(values: Values): number {
  const text = textOption(values, "lines") ?? "50";
  if (!/^\d{1,9}$/.test(text)) {
    throw new Failure(exitCode.usage, `--lines: "${text}" is not a number of lines; write for instance -n 100`);
  }
  return Number(text);
}

/** With -F, because a training that starts again begins a new file. */
function tailCommand(lines: number, follow: boolean): string {
  if (follow) return `exec tail -n ${lines} -F ${logFile}`;
  return `[ -r ${logFile} ] || exit ${noLog}; exec tail -n ${lines} ${logFile}`;
}
