import { engineAlive } from "../../components/pulumi/engine.ts";

const EVERY_MS = 2000;

/**
 * Ends this plugin when its engine is gone; otherwise nobody would end it after the command was killed. The official
 * plugins do this too, within minutes.
 *
 * @param address of the engine, host:port: the last argument with which Pulumi starts a plugin
 */
export function endWithEngine(address: string | undefined): void {
  if (address === undefined || !/:\d+$/.test(address)) return;
  const look = async () => {
    if (!(await engineAlive(address))) process.exit(0);
  };
  setInterval(look, EVERY_MS).unref();
}
