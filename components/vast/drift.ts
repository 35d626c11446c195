import { type CheckedInputs, type InstanceOutputs, refreshed } from "./instance.outputs.ts";
import { phaseOf } from "./phase.ts";
import { perHour } from "./price.ts";
import type { Instance } from "./wire.ts";

/** What has happened to an instance without us, as one line each; empty = it is as the state has it. */
export interface Drift {
  /** Vast knows it no more, so nothing that needs it can be done. */
  readonly gone: boolean;
  readonly lines: readonly string[];
}

/**
 * Compares what the state says with what Vast says now. A run that changes nothing does not notice it by itself: Pulumi
 * looks at the world with --refresh only.
 *
 * @param now undefined = gone for certain
 */
export function driftOf(
  olds: InstanceOutputs,
  { maxPricePerHour }: Pick<CheckedInputs, "maxPricePerHour">,
  now: Instance | undefined,
): Drift {
  const { instanceId: id } = olds;
  if (now === undefined) return { gone: true, lines: [`instance ${id} is gone at Vast; ${REFRESH} rents a new one`] };
  const lines = [
    phaseLine(id, now),
    labelLine(olds, now),
    addressLine(olds, now),
    priceLine(id, now, maxPricePerHour),
  ].filter((line) => line !== undefined);
  return { gone: false, lines };
}

const REFRESH = "pulumi up --refresh";

function phaseLine(id: string, now: Instance): string | undefined {
  const { phase, text } = phaseOf(now);
  switch (phase) {
    case "ready":
      return undefined;
    case "stopped":
      return `instance ${id}: ${text}; ${REFRESH} starts it again`;
    case "failed":
      return `instance ${id} ${text}; pulumi destroy ends it`;
    default:
      return `instance ${id}: ${text}; ${REFRESH} waits for it, pulumi destroy ends it`;
  }
}

function labelLine({ instanceId, asked }: InstanceOutputs, { label }: Instance): string | undefined {
  if (label === asked.label) return undefined;
  return `instance ${instanceId} carries the label ${label ?? "(none)"} instead of ${asked.label}; ${REFRESH} sets it back`;
}

/** A stopped machine has no address, and one that comes up has it late. */
function addressLine(olds: InstanceOutputs, now: Instance): string | undefined {
  if (phaseOf(now).phase !== "ready") return undefined;
  const { sshHost, sshPort } = refreshed(olds, now);
  if (sshHost === olds.sshHost && sshPort === olds.sshPort) return undefined;
  return `instance ${olds.instanceId} answers at ${sshHost}:${sshPort} now; ${REFRESH} follows it`;
}

function priceLine(id: string, { totalPerHour }: Instance, most: number): string | undefined {
  // Vast counts with more digits than the cap has.
  if (totalPerHour === null || totalPerHour <= most + 1e-4) return undefined;
  return `instance ${id} costs ${perHour(totalPerHour)} now, more than maxPricePerHour ${perHour(most)}; pulumi destroy ends it`;
}
