import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { type CommandResult, type RunningCommand, startCommand } from "../../../scripts/lib/command.ts";
import { projectDir } from "../../../scripts/lib/workspace.ts";
import { fileBackend } from "../../../scripts/setup/paths.mjs";

/** A small Pulumi program whose inputs are given at each run. */
export interface TinyProgram {
  pulumi(args: readonly string[], inputs?: object): Promise<CommandResult>;
  /** The state of the stack dev, as the backend keeps it. */
  state(): string;
  start(args: readonly string[], inputs: object, onLine: (line: string) => void): RunningCommand;
  close(): void;
}

/** A remote.Command for each name; their stdin is secret. */
const command = `
import * as pulumi from "@pulumi/pulumi";
import { remote } from "@pulumi/command";
for (const [name, { stdin, ...inputs }] of Object.entries(JSON.parse(process.env.STEP))) {
  new remote.Command(name, { ...inputs, stdin: pulumi.secret(stdin) });
}
`;

/** @param source reads its inputs as JSON from the variable STEP */
export function tinyProgram(source = command): TinyProgram {
  const root = mkdtempSync(join(tmpdir(), "vast-tiny-"));
  const dir = join(root, "program");
  for (const folder of [dir, join(root, "backend"), join(root, "pulumi")]) mkdirSync(folder);
  const pulumi = "name: tiny\nruntime: {name: nodejs, options: {typescript: false}}\nmain: ./index.mjs\n";
  writeFileSync(join(dir, "Pulumi.yaml"), pulumi);
  writeFileSync(join(dir, "package.json"), '{"name": "tiny", "type": "module"}\n');
  writeFileSync(join(dir, "index.mjs"), source);
  symlinkSync(join(projectDir, "node_modules"), join(dir, "node_modules"));
  // Where set-up has found the official plugin it lies here, and it is the one that is tested.
  const plugins = join(process.env.PULUMI_HOME ?? join(homedir(), ".pulumi"), "plugins");
  symlinkSync(plugins, join(root, "pulumi", "plugins"));
  const { SSH_AUTH_SOCK: _agent, ...outer } = process.env;
  const env = {
    ...outer,
    PATH: `${join(projectDir, "node_modules", ".bin")}:${process.env.PATH}`,
    PULUMI_HOME: join(root, "pulumi"),
    PULUMI_BACKEND_URL: fileBackend(join(root, "backend")),
    PULUMI_CONFIG_PASSPHRASE: "only for this test",
    PULUMI_SKIP_UPDATE_CHECK: "true",
  };
  const start: TinyProgram["start"] = (args, inputs, onLine) =>
    startCommand("pulumi", [...args, "--non-interactive"], {
      cwd: dir,
      env: { ...env, STEP: JSON.stringify(inputs) },
      onLine,
    });
  return {
    start,
    pulumi: (args, inputs = {}) => start(args, inputs, () => {}).result,
    state: () => readFileSync(join(root, "backend/.pulumi/stacks/tiny/dev.json"), "utf8"),
    close: () => rmSync(root, { recursive: true, force: true }),
  };
}
