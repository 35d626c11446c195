import { UNKNOWN_PULL } from "../../components/vast/ledger/pull.ts";
import type { OfferCriteria } from "../../components/vast/market/criteria.ts";
import type { RentalRequest } from "../../components/vast/rental/rental-request.ts";

export const criteria: OfferCriteria = {
  gpu: "H100 SXM",
  gpus: 1,
  rental: "interruptible",
  maxPricePerHour: 3.5,
  bidMarkup: 0.2,
  diskGb: 150,
  minReliability: 0.95,
  minDownloadMbps: 200,
  minDurationHours: 24,
  verified: true,
  maxOffers: 3,
};

export const label = "vt-abcdefgh-vast-training-test-run-12345678";

export const request: RentalRequest = {
  label,
  urn: "urn:pulumi:test::vast-training::x::run",
  target: { apiUrl: "simulator", apiKeyFile: "" },
  criteria,
  image: "japhba/cot-oracle",
  pull: UNKNOWN_PULL,
  imageLogin: null,
  publicKeys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ9bxzXhCG5GdH5XfKbvJrX0Jm3bPmcdkhVwnXXcLwZ4 ours"],
  onstart: "",
  checkpointsDir: "/workspace/checkpoints",
  minutes: { machine: 30, total: 60 },
  provisional: true,
  quote: null,
};
