import type { Command } from "../command/command.ts";

export const config: Command = {
  name: "config",
  summary: "Have ssh, VS Code, rsync and scp know the machine as vast-STACK",
  details: `Writes how to log in to a file of ours, in the state directory, and prints the one line that your ~/.ssh/config
needs, once for all stacks, before anything else in it. The host key is the pinned one, and our own key logs in.

pulumi up and every command that looks for the machine write the file anew, so that a changed port is followed;
pulumi destroy removes it, and the line with the last machine. Without --install and --remove nothing of yours is
changed.`,
  examples: [
    "vast-run config --install",
    "ssh vast-dev",
    "code --remote ssh-remote+vast-dev /workspace",
    "rsync -av vast-dev:/workspace/checkpoints/ checkpoints/",
    "vast-run config --remove",
  ],
  options: {
    install: { type: "boolean", help: "put the line into ~/.ssh/config, unless it is there" },
    remove: { type: "boolean", help: "take it out again" },
  },
  run: async (values, terminal) => (await import("../machine/config.ts")).writeConfig(values, terminal),
};
