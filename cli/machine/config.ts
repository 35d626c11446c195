import { dirname } from "node:path";
import { openStateDir } from "../../components/lib/state-dir.ts";
import { includeLine, stackAlias } from "../../components/ssh/ssh-config.ts";
import { hostKeyAlias } from "../../components/ssh/ssh-key.ts";
import { install, uninstall, userConfigFile } from "../../components/ssh/user-config.ts";
import type { OptionValues, Terminal } from "../command/command.ts";
import { exitCode, Failure } from "../command/failure.ts";
import { openMachine } from "./machine.ts";

/** Runs `vast-run config`. */
export async function writeConfig(values: OptionValues, terminal: Terminal): Promise<number> {
  const file = userConfigFile(terminal.env);
  if (values.remove && values.install) throw new Failure(exitCode.usage, "write --install or --remove, not both");
  if (values.remove) {
    const line = includeLine(openStateDir(terminal.env).sshDir);
    terminal.note(uninstall(line, file) ? `${file}: took out ${line}` : `${file} has no line of ours`);
    return exitCode.ok;
  }
  const { key, name = "", instanceId } = await openMachine(values, terminal); // it writes our file
  const line = includeLine(dirname(key.knownHostsFile));
  terminal.out(line);
  if (values.install) terminal.note(install(line, file) ? `${file}: it is the first line now` : `${file} has it`);
  else terminal.note(`Put this before anything else in ${file}, or have it done: vast-run config --install`);
  terminal.note(`Then: ssh ${stackAlias(name) ?? hostKeyAlias(instanceId)}`);
  return exitCode.ok;
}
