import { engineAlive } from "../../components/pulumi/engine.ts";

const EVERY_MS = 2000;

/**
 * Ends this plugin when its engine is gone: nobody ends it after the command was killed. The official plugins do so as
 * well, within minutes.
 *
 * @param address the engine's, host:port: the last argument that Pulumi starts a plugin with
 */
export function endWithEngine(address: string | undefined): void {
  if (address === undefined || !/:\d+$/.test(address)) return;
  const look = async () => {
    if (!(await engineAlive(address))) process.exit(0);
  };
  setInterval(look, EVERY_MS).unref();
}
