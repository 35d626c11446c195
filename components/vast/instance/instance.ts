import * as pulumi from "@pulumi/pulumi";
import { DynamicResource } from "../../pulumi/resource.ts";
import type { ApiTarget } from "../client/api.ts";
import type { PhaseName } from "../client/phase.ts";
import type { OfferCriteria, Rental } from "../market/criteria.ts";
import type { Quote } from "../market/quote.ts";
import type { ImageLogin } from "../rental/image-pull.ts";

type In<T> = { readonly [Key in keyof T]: pulumi.Input<T[Key]> };

/** What to rent, and how to reach it. */
export interface VastInstanceInputs extends Omit<OfferCriteria, "virtual">, ApiTarget {
  /** Of a RunIdentity. At most one living instance has it. */
  readonly label: string;
  /** Docker image; `name@sha256:…` never means another one. */
  readonly image: string;
  /** Of the pull, compressed: the quote and the patience follow it. Default null = not known. */
  readonly imageBytes?: number | null;
  /** Default null: everybody may pull it. */
  readonly imageLogin?: ImageLogin | null;
  /** Who may log in, `type base64 comment` each; our own key first. */
  readonly publicKeys: readonly string[];
  /** Private key of our own connections; "" = the one of the state directory. */
  readonly sshKeyFile: string;
  /** Minutes to wait until one machine is ready, and in all. */
  readonly readyTimeoutMinutes: { readonly machine: number; readonly total: number };
  /** Shell text run at each start of the container, after ours; no secrets. Default none. */
  readonly onstart?: string;
  /** On the machine: when anything is there, it never deletes itself. Default none. */
  readonly checkpointsDir?: string;
  /** Folder in which a lab shares its ledger of machines. Default "": there is none. */
  readonly labDir?: string;
}

export type VastInstanceArgs = In<VastInstanceInputs>;

/**
 * A rented Vast instance that is ready: it runs, and a login over ssh works.
 *
 * A preview searches the market once and shows the best offer as `quote`; that offer is tried first. `gpu`, `gpus`,
 * `rental`, `diskGb`, `image`, `label` and `apiUrl` replace the instance, the old one being released before the new one
 * is rented; nothing else changes it. An instance that a refresh finds stopped is started by the next update, an outbid
 * one by a higher bid within the cap. Fails when nothing fits, when the account cannot pay an hour, and when no machine
 * gets ready in time; whatever was rented on the way is released first, or stays in the state when it cannot be.
 */
export class VastInstance extends DynamicResource {
  /** Digits. */
  declare readonly instanceId: pulumi.Output<string>;
  /** As it is at Vast. */
  declare readonly label: pulumi.Output<string>;
  /** "" when a machine was found that had been rented before. */
  declare readonly offerId: pulumi.Output<string>;
  declare readonly machineId: pulumi.Output<string>;
  /** In Vast's spelling. */
  declare readonly gpu: pulumi.Output<string>;
  declare readonly gpus: pulumi.Output<number>;
  declare readonly rental: pulumi.Output<Rental>;
  /** $/h, disk included. */
  declare readonly pricePerHour: pulumi.Output<number>;
  /** $/h, disk included, when it was rented or last started by us. A refresh does not move it, so it is for dependents. */
  declare readonly rentedPerHour: pulumi.Output<number>;
  /** $/h without disk; null when on-demand. */
  declare readonly bidPerHour: pulumi.Output<number | null>;
  declare readonly diskGb: pulumi.Output<number>;
  /** Where the login worked last. Moves when the machine restarts: ask the API before a connection of your own. */
  declare readonly sshHost: pulumi.Output<string>;
  declare readonly sshPort: pulumi.Output<number>;
  /** `type base64`, seen at the first login; "" = nobody could log in yet. */
  declare readonly hostKey: pulumi.Output<string>;
  declare readonly phase: pulumi.Output<PhaseName>;
  /** ISO time at which it last got ready for us. Another time means that whatever ran on it has ended, maybe at the same address. */
  declare readonly startedAt: pulumi.Output<string>;
  declare readonly location: pulumi.Output<string | null>;
  /** ISO time at which the rental ends by itself; null when Vast does not say. */
  declare readonly endsAt: pulumi.Output<string | null>;
  /** Id of the account that rented it; "" = not known. To another account's key it looks as if it were gone. */
  declare readonly accountId: pulumi.Output<string>;
  /** Tells the key that rented it, or that a refresh saw it with, and is no secret. */
  declare readonly keyFingerprint: pulumi.Output<string>;
  /** What the preview promised; null when the market could not be asked. */
  declare readonly quote: pulumi.Output<Quote | null>;

  constructor(name: string, args: VastInstanceArgs, opts?: pulumi.CustomResourceOptions) {
    // diff asks for it too, but the engine keeps the order in every case only with the option.
    const order = { deleteBeforeReplace: true };
    super("instance", name, { ...outputs, ...inputs(args) }, pulumi.mergeOptions(opts, order));
  }
}

/** The arguments and nothing else: what is not declared must not get into the state. */
function inputs(args: VastInstanceArgs): VastInstanceArgs {
  const {
    apiUrl,
    apiKeyFile,
    label,
    image,
    publicKeys,
    sshKeyFile,
    readyTimeoutMinutes,
    onstart,
    checkpointsDir,
    labDir,
  } = args;
  const { gpu, gpus, rental, maxPricePerHour, bidMarkup, diskGb } = args;
  const { minReliability, minDownloadMbps, minDurationHours, verified, maxOffers } = args;
  const criteria = { gpu, gpus, rental, maxPricePerHour, bidMarkup, diskGb };
  const filters = { minReliability, minDownloadMbps, minDurationHours, verified, maxOffers };
  const { imageBytes = null, imageLogin = null } = args;
  const access = { apiUrl, apiKeyFile, label, publicKeys, sshKeyFile, readyTimeoutMinutes };
  const pull = { image, imageBytes, imageLogin };
  const folders = {
    ...(checkpointsDir === undefined ? {} : { checkpointsDir }),
    ...(labDir === undefined ? {} : { labDir }),
  };
  return { ...criteria, ...filters, ...access, ...pull, ...folders, ...(onstart === undefined ? {} : { onstart }) };
}

/** Pulumi makes a property of each name it is given. */
const outputs = {
  instanceId: undefined,
  offerId: undefined,
  machineId: undefined,
  pricePerHour: undefined,
  rentedPerHour: undefined,
  bidPerHour: undefined,
  sshHost: undefined,
  sshPort: undefined,
  hostKey: undefined,
  phase: undefined,
  startedAt: undefined,
  location: undefined,
  endsAt: undefined,
  accountId: undefined,
  keyFingerprint: undefined,
  quote: undefined,
};
