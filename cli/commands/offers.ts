import type { Command } from "../command/command.ts";

export const offers: Command = {
  name: "offers",
  summary: "Show the market as pulumi up would choose from it; rents nothing",
  details: `The cheapest 64 offers of the stack's GPU and number of GPUs: first those that fit the stack's config, in the order in
which they would be tried, then the others, each with why it is passed over. BID is what would be bid, ON DEMAND what
the same GPUs cost when nobody can take them away (~ = of the cheapest of the kind, or as last seen), TOTAL what would
be paid, disk included, PULL how long the image takes at the host's speed: with cachedBase also how long where that is
cached, and of a machine that ran layers of the image within a week only what is left. Prices are in $/h.

It takes one search for each kind of rental, shared with what looks at the market within the same minute.`,
  examples: ["vast-run offers -s dev", "vast-run offers --json | jq '.[0].totalPerHour'"],
  options: {
    json: { type: "boolean", help: "print one JSON list, best first" },
    all: { type: "boolean", short: "a", help: "list all that is passed over; default: the cheapest ten of it" },
  },
  run: async (values, terminal) => (await import("../market/offers.ts")).showOffers(values, terminal),
};
