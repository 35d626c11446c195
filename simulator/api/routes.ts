import { accountRoutes } from "./account.ts";
import { askRoutes } from "./asks.ts";
import { instanceKeyRoutes } from "./instance-keys.ts";
import { instanceRoutes } from "./instances.ts";
import { jobRoutes } from "./jobs.ts";
import { listRoutes } from "./list.ts";
import { logRoutes } from "./logs.ts";
import { offerRoutes } from "./offers.ts";
import type { Route } from "./route.ts";

/** Vast's API, as far as it is simulated. A route with a word comes before one whose {parameter} would match it. */
export const ROUTES: readonly Route[] = [
  ...offerRoutes,
  ...askRoutes,
  ...listRoutes,
  ...instanceRoutes,
  ...instanceKeyRoutes,
  ...logRoutes,
  ...accountRoutes,
  ...jobRoutes,
];
