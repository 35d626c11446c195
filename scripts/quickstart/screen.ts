/** Prints the quickstart: steps with headings, commands as a user would type them, their output indented. */
export interface Screen {
  /** Colours and other terminal niceties may be used. */
  readonly tty: boolean;
  heading(text: string): void;
  say(text: string): void;
  command(text: string): void;
  output(line: string): void;
}

export function openScreen(stream: NodeJS.WriteStream): Screen {
  const tty = stream.isTTY === true && process.env.NO_COLOR === undefined;
  const styled = (code: number, text: string) => (tty ? `\x1b[${code}m${text}\x1b[0m` : text);
  const print = (line: string) => stream.write(`${line}\n`);
  stream.on("error", () => {}); // the terminal may be gone; cleaning up must go on
  return {
    tty,
    heading: (text) => print(`\n${styled(1, `== ${text}`)}`),
    say: print,
    command: (text) => print(styled(36, `$ ${text}`)),
    output: (line) => print(`  ${line}`.trimEnd()),
  };
}
