import type { News } from "../events/event.ts";
import { progress, say, watchEngine } from "../pulumi/engine.ts";
import { throttled } from "../pulumi/throttle.ts";
import { keyFor } from "../ssh/known-hosts.ts";
import { type ApiTarget, openApi } from "../vast/client/api.ts";
import { VastClient } from "../vast/client/client.ts";
import type { Instance } from "../vast/client/wire.ts";
import { whileBilling } from "../vast/journal/interrupt.ts";
import { keptText } from "../vast/journal/trouble.ts";
import { connect, openEvents } from "../vast/ready/connect.ts";
import type { Gate } from "../vast/rental/settle.ts";
import { type GateOrder, type GateTerms, passGate } from "./gate.ts";
import { checkpointsHome } from "./pull.ts";

/** Which API, and which key opens the machine. */
export interface GateAccess {
  readonly api: ApiTarget;
  /** As in the stack config; "" = the key of the state directory. */
  readonly sshKeyFile: string;
  /** "" = not known: the first key seen is accepted, as after a rental. */
  readonly hostKey: string;
  /** The row on which progress is shown. */
  readonly urn: string | undefined;
}

const LOGIN_PATIENCE_MS = 60_000;

/** Takes an instance through the gate. Throws as `passGate` does. */
export async function openGate(order: GateOrder, access: GateAccess): Promise<void> {
  const { instanceId, pricePerHour } = order;
  const { api, sshKeyFile, hostKey, urn } = access;
  const engine = watchEngine();
  const world = {
    connect: () => {
      const key = keyFor({ instanceId, sshKeyFile, hostKey });
      return { client: new VastClient(openApi(api)), key };
    },
    means: () => connect(api, { urn, sshKeyFile, engine }),
    discard: process.env.VAST_DISCARD_CHECKPOINTS,
    progress: throttled((text: string) => progress(urn, text)),
    say: (text: string) => void say(urn, text),
    note: (news: News) => openEvents(urn).note(news),
    patience: LOGIN_PATIENCE_MS,
  };
  const text = keptText(instanceId, null, pricePerHour);
  await whileBilling(text, () => passGate(order, world)).finally(() => engine.stop());
}

/** The gate of a run for any machine: it looks on the machine whether training has run there. */
export function gateOf(terms: GateTerms, api: ApiTarget, urn: string | undefined): Gate {
  const { sshKeyFile, checkpointsTo, stack, rescueBudget } = terms;
  return ({ id, totalPerHour }: Instance) => {
    const order: GateOrder = {
      ...terms,
      instanceId: id,
      to: checkpointsHome(checkpointsTo, stack, id),
      pricePerHour: totalPerHour ?? 0,
      rescueBudget: askedBudget(process.env) ?? rescueBudget,
      begun: false,
    };
    return openGate(order, { api, sshKeyFile, hostKey: "", urn });
  };
}

/** The budget in VAST_RESCUE_BUDGET, which replaces the state's: destroy does not read the stack config. */
export function askedBudget({ VAST_RESCUE_BUDGET: text = "" }: NodeJS.ProcessEnv): number | undefined {
  if (text.trim() === "") return undefined;
  const dollars = Number(text.trim().replace(/^\$/, ""));
  if (dollars >= 0) return dollars;
  throw new Error(`VAST_RESCUE_BUDGET should be dollars, such as 2.50, and is ${JSON.stringify(text.slice(0, 40))}`);
}
