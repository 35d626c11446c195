import type { Command } from "../command/command.ts";

export const ssh: Command = {
  name: "ssh",
  summary: "Log in to the machine, or run one command there",
  details: `With our own key and the machine's pinned host key; nothing of your ssh config is read. The command is run by the
login shell there, as ssh does it; its exit code is the one of this command, and 255 is ssh's own: the connection
failed. Our options stand before it.`,
  examples: [
    "vast-run ssh",
    "vast-run ssh nvidia-smi -L",
    "vast-run ssh -s dev -t htop",
    "vast-run ssh 'cat > note' < note",
  ],
  options: {
    tty: { type: "boolean", short: "t", help: "give the command a terminal" },
  },
  words: { value: "COMMAND", help: "to run there; default: a shell", isCommand: true },
  run: async (values, terminal, words) => (await import("../machine/ssh.ts")).openShell(values, terminal, words),
};
