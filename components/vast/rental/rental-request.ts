import { fuseText } from "../../remote/fuse.ts";
import type { ApiTarget } from "../client/api.ts";
import type { RentOrder } from "../client/requests.ts";
import type { Pull } from "../ledger/pull.ts";
import type { OfferCriteria } from "../market/criteria.ts";
import type { Quote } from "../market/quote.ts";
import { onstartScript } from "../ready/onstart.ts";
import type { Wanted } from "../ready/proof.ts";
import { type ImageLogin, imageLoginText } from "./image-pull.ts";

/** What to rent. */
export interface RentalRequest {
  readonly label: string;
  /** The Pulumi resource, for the journal. */
  readonly urn: string;
  readonly target: ApiTarget;
  readonly criteria: OfferCriteria;
  readonly image: string;
  readonly pull: Pull;
  /** null = everybody may pull it. */
  readonly imageLogin: ImageLogin | null;
  /** Our own first. */
  readonly publicKeys: readonly string[];
  /** Shell text after ours; "" = none. */
  readonly onstart: string;
  /** Folder on the machine; what is in it must not be lost. */
  readonly checkpointsDir: string;
  /** Minutes until one machine must be ready, and in all. */
  readonly minutes: { readonly machine: number; readonly total: number };
  /** Vast itself deletes the instance an hour after the wait for it has ended, unless a lease replaces that order. */
  readonly provisional: boolean;
  /** What was promised: this offer is tried first. */
  readonly quote: Quote | null;
}

/** @param apiUrl origin of the API, which the machine's fuse asks */
export function rentOrderOf(request: RentalRequest, offer: Quote, apiUrl: string): RentOrder {
  const { label, image, imageLogin, criteria, publicKeys, onstart: more } = request;
  return {
    label,
    image,
    ...(imageLogin === null ? {} : { imageLogin: imageLoginText(imageLogin) }),
    diskGb: criteria.diskGb,
    ...(criteria.virtual === true ? { vm: true } : {}),
    bidPerHour: criteria.rental === "interruptible" ? offer.bidPerHour : null,
    env: {},
    onstart: onstartScript(publicKeys, { fuse: fuseOf(request, apiUrl), more }),
  };
}

/** Longer than any wait for a machine. */
const FUSE_MINUTES = 30;
const PROVISIONAL_MINUTES = 60;

/** When Vast deletes what is provisional, minutes after it was rented. */
export function provisionalMinutes({ minutes }: Pick<RentalRequest, "minutes">): number {
  return minutes.total + PROVISIONAL_MINUTES;
}

function fuseOf({ minutes, checkpointsDir }: RentalRequest, apiUrl: string): string {
  return fuseText({ apiUrl, minutes: minutes.total + FUSE_MINUTES, checkpointsDir });
}

/** The criteria that an instance must still meet once it is rented. */
export type Terms = Pick<OfferCriteria, "rental" | "gpus" | "diskGb" | "maxPricePerHour" | "bidMarkup">;

/** @param gpu in Vast's spelling; null = not known */
export function wantedOf({ rental, gpus, maxPricePerHour, diskGb }: Terms, gpu: string | null): Wanted {
  return { gpu, gpus, interruptible: rental === "interruptible", maxPricePerHour, diskGb };
}

/** The engine is gone, or has cancelled. */
export function nobodyWaits(): Error {
  return new Error("nobody waits for a machine any more: nothing was rented");
}
