import * as pulumi from "@pulumi/pulumi";
import { perHour } from "../../lib/money.ts";
import { ownCommand } from "../../pulumi/own-command.ts";
import { priceAfter, type VastBid } from "../../vast/instance/bid.ts";
import type { VastInstance } from "../../vast/instance/instance.ts";
import type { Quote } from "../../vast/market/quote.ts";

/** What bills. */
export interface Rented {
  readonly instance: VastInstance;
  readonly bid: Pick<VastBid, "moved">;
}

/** What programs may want to know beside the machine. */
export interface More extends Readonly<Record<string, unknown>> {
  readonly sshCommand: pulumi.Output<string>;
}

/**
 * The outputs of a stack. Pulumi prints all of them at the end of each `up`, in the order of the alphabet and of any
 * length, so these are few and short. It prints no name that begins with "__" (IsInternalPropertyKey of its display):
 * `__run` is for programs. None waits for training, or all would be lost when that fails.
 */
export async function stackOutputs(
  { instance, bid }: Rented,
  stack: string,
  more: More,
): Promise<Readonly<Record<string, unknown>>> {
  const { instanceId, sshHost, sshPort, pricePerHour, quote } = instance;
  return {
    ...(await costOf(instance, bid)),
    ...(await machineOf(instance, more)),
    end: `pulumi destroy -s ${stack}`,
    watch: ownCommand(`logs -f -s ${stack}`),
    __run: { instanceId, sshHost, sshPort, pricePerHour, quote, ...more },
  };
}

/** What names the machine, once there is one. */
async function machineOf({ instanceId }: VastInstance, { sshCommand }: More) {
  return !pulumi.runtime.isDryRun() || (await isKnown(instanceId)) ? { instanceId, sshCommand } : {};
}

/** A machine that is not there yet costs what the quote says; a preview without one says nothing. */
async function costOf({ gpu, gpus, location, pricePerHour, quote }: VastInstance, bid: Pick<VastBid, "moved">) {
  // A preview does not know what a new bid will be.
  const last = !pulumi.runtime.isDryRun() || (await isKnown(bid.moved)) ? bid.moved : null;
  const cost = pulumi.all([gpu, gpus, location, pricePerHour, last]).apply(([gpu, gpus, location, price, moved]) => {
    return costText({ gpu, gpus, location, totalPerHour: priceAfter(price, moved) });
  });
  if (!pulumi.runtime.isDryRun() || (await isKnown(cost))) return { cost };
  const promised = (await isKnown(quote)) ? await settled(quote) : undefined;
  // A null may come back as nothing at all.
  return promised ? { cost: costText(promised) } : {};
}

/** "$2.415/h, 1x H100 SXM in Texas, US" */
export function costText({
  gpu,
  gpus,
  location,
  totalPerHour,
}: Pick<Quote, "gpu" | "gpus" | "location" | "totalPerHour">): string {
  return `${perHour(totalPerHour)}, ${gpus}x ${gpu}${location === null ? "" : ` in ${location}`}`;
}

/** Is it known in this preview? Pulumi keeps that on every output, without a type for it. */
function isKnown(output: pulumi.Output<unknown>): Promise<boolean> {
  return (output as unknown as { readonly isKnown: Promise<boolean> }).isKnown;
}

function settled<T>(output: pulumi.Output<T>): Promise<T> {
  return new Promise((resolve) => void output.apply((value) => resolve(value as T)));
}
