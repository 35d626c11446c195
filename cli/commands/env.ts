import type { Command } from "../command/command.ts";

export const env: Command = {
  name: "env",
  summary: "Print shell variables for ssh and rsync: INSTANCE_ID, SSH_HOST, SSH_PORT, SSH_CMD",
  details: `SSH_CMD needs nothing of yours: it brings its own key and the machine's pinned host key. Plain ssh and rsync use your
keys, which the machine allows when they were in your ssh agent at the launch. They also look up the host key in your
known_hosts, so the pinned key is added there (and a line this command once added for the same address is replaced).`,
  examples: [
    'eval "$(vast-run env)"',
    "$SSH_CMD 'tail -f /workspace/train.log'",
    "$SSH_CMD -t 'tmux attach -t train'",
    'rsync -avz -e "ssh -p $SSH_PORT" root@$SSH_HOST:/workspace/checkpoints/ checkpoints/',
  ],
  options: {
    "no-known-hosts": { type: "boolean", help: "leave your known_hosts alone; plain ssh then asks once" },
  },
  run: async (values, terminal) => (await import("../machine/env.ts")).printEnv(values, terminal),
};
